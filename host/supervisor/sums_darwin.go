package supervisor

import "syscall"

func (k *fileKey) identify(st *syscall.Stat_t) {
	k.Dev, k.Ino, k.Changed = uint64(st.Dev), st.Ino, st.Ctimespec.Nano()
}
