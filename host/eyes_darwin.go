package host

import "syscall"

// changeTime is moved by every write, whatever the writer pretends.
func changeTime(st *syscall.Stat_t) int64 { return st.Ctimespec.Nano() }
