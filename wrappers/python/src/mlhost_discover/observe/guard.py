"""Refuses files for writing, sockets and processes, by an audit hook.

What a library does in C without telling Python is not seen by an audit hook; files that it
would write cannot grow (RLIMIT_FSIZE 0).
"""

import errno
import os
import sys

WRITES = {"os.remove": 0, "os.rename": 0, "os.mkdir": 0, "os.rmdir": 0, "os.link": 1, "os.symlink": 1, "os.truncate": 0, "os.chmod": 0,
          "os.chown": 0, "os.utime": 0, "os.setxattr": 0, "os.removexattr": 0, "os.mkfifo": 0, "shutil.rmtree": 0, "tempfile.mkstemp": 0, "tempfile.mkdtemp": 0,
          "os.lockf": 0, "fcntl.flock": 0, "sqlite3.connect": 0, "mmap.__new__": -1}
SOCKETS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
           "socket.getnameinfo", "socket.getservbyname")
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile", "pty.spawn", "os.kill", "os.killpg")
FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MAX_TOLD = 20
WORDS = (("socket", "a connection"), ("os.kill", "a signal to a process"), ("subprocess", "a process"), ("os.system", "a process"))

_refused = []
_told = {}


def install():
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    except (ImportError, OSError, ValueError) as e:
        _refused.append("files that C code writes are not limited: %s" % e)
    sys.addaudithook(hook)


def told():
    """Returns what was refused, each thing once, in order."""
    return list(_refused)


def hook(event, args):
    if event == "open":
        path, mode, flags = args
        writes = bool(flags & FLAGS) if isinstance(flags, int) else isinstance(mode, str) and any(c in mode for c in "wax+")
        if writes and path not in ("/dev/null", b"/dev/null") and not isinstance(path, int):
            refuse("writing the file %s" % shown(path), errno.EROFS)
    elif event in WRITES:
        at = WRITES[event]
        if at >= 0 and not (event == "sqlite3.connect" and args[0] in (":memory:", b":memory:")):
            refuse("%s of %s" % (event, shown(args[at] if at < len(args) else "")), errno.EROFS)
    elif event in SOCKETS:
        refuse("a connection: %s %s" % (event, shown(args[1] if len(args) > 1 and event in ("socket.connect", "socket.bind") else args[0] if args else "")), errno.ENETUNREACH)
    elif event in PROCESSES:
        refuse("a process: %s %s" % (event, shown(args[0] if args else "")), errno.EPERM)


def shown(value):
    return ascii(value)[:120] if not isinstance(value, str) else value[:120]


def refuse(what, code):
    if what not in _told:
        _told[what] = True
        if len(_refused) < MAX_TOLD:
            _refused.append(what)
    raise OSError(code, "mlhost discover --run refuses it", what)
