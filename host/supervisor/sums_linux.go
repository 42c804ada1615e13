package supervisor

import "syscall"

func (k *fileKey) identify(st *syscall.Stat_t) {
	k.Dev, k.Ino, k.Changed = st.Dev, st.Ino, st.Ctim.Nano()
}
