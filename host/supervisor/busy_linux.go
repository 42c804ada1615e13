package supervisor

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// beingWritten reports whether somebody has the file open for writing. Where
// the file system cannot tell, it does not.
func beingWritten(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // opened for reading
	// A lease for reading is refused while there is a writer.
	if _, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // closing gives it back as well
	}
	return errors.Is(err, unix.EAGAIN)
}
