package connector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/mlhost/mlhost/shared/script"
)

// Listen binds a TCP address for the setting of that name. The error of a
// taken port names the process that has it.
func Listen(address, setting, variable string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err == nil {
		return listener, nil
	}
	hint := fmt.Sprintf("%s of the configuration (or %s) names another address; port 0 takes a free one, \"\" turns it off", setting, variable)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, script.Errorf(script.CodeIO, "%s: %v", setting, err).WithHint("%s", hint)
	}
	return nil, script.Errorf(script.CodeIO, "%s: the address %s is taken by %s", setting, address, takenBy(address)).WithHint("%s", hint)
}

// takenBy words who has the port of the address.
func takenBy(address string) string {
	_, portText, err := net.SplitHostPort(address)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil {
		return "another process"
	}
	pid, command, ok := holder(uint16(port))
	if !ok {
		return "a process of another user"
	}
	if runes := []rune(command); len(runes) > 200 {
		command = string(runes[:200]) + "…"
	}
	return fmt.Sprintf("process %d (%s)", pid, command)
}
