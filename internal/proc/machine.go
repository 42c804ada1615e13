package proc

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine names where and when something was measured.
type Machine struct {
	CPU    string    `json:"cpu"`
	Cores  int       `json:"cores"`
	Memory string    `json:"memory"`
	Kernel string    `json:"kernel"`
	Go     string    `json:"go"`
	Time   time.Time `json:"time"`
	Load   string    `json:"load"` // the load averages at that time
}

// String shows the machine in one line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s memory, Linux %s, %s, load %s", m.CPU, m.Cores, m.Memory, m.Kernel, m.Go, m.Load)
}

// ThisMachine describes the machine that the program runs on.
func ThisMachine() Machine {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // "" elsewhere
	load, _ := os.ReadFile("/proc/loadavg")
	return Machine{
		CPU:    Field("/proc/cpuinfo", "model name"),
		Cores:  runtime.NumCPU(),
		Memory: Field("/proc/meminfo", "MemTotal"),
		Kernel: string(bytes.TrimSpace(kernel)),
		Go:     runtime.Version(),
		Time:   time.Now().UTC().Truncate(time.Second),
		Load:   strings.Join(strings.Fields(string(load) + " ? ? ?")[:3], " "),
	}
}
