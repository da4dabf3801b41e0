"""Windows and macOS, as far as Linux can tell: without the names that only POSIX or Linux has, all
of minihv but the real containers imports, guests run, and containers fall back to the model."""

import os
import subprocess
import sys

# Run in a child. What others need of these names, they have taken before we remove them.
WITHOUT_POSIX = """
import asyncio, ctypes, importlib, mmap, multiprocessing, os, pkgutil, select, shutil, signal
import socket, subprocess, sys, tarfile, tempfile
import anywidget, ipywidgets, jupyter_client, llvmlite, nbclient, nbformat, numpy

WINDOWS_HAS = set('''abort access chdir chmod close closerange cpu_count curdir DirEntry dup dup2
    environ error execv execve extsep fdopen fsdecode fsencode fspath fstat fsync ftruncate getcwd
    getenv get_exec_path get_inheritable getlogin getpid getppid get_terminal_size isatty kill
    linesep link listdir lseek lstat makedirs mkdir name open pardir path PathLike pathsep pipe
    popen putenv read readlink remove removedirs rename renames replace rmdir scandir sep
    set_inheritable stat stat_result strerror symlink system terminal_size times truncate umask
    unlink unsetenv urandom utime waitpid walk write altsep defpath devnull O_RDONLY O_WRONLY
    O_RDWR O_CREAT O_EXCL O_TRUNC O_APPEND F_OK R_OK W_OK X_OK SEEK_SET SEEK_CUR SEEK_END
    supports_fd supports_dir_fd supports_follow_symlinks supports_effective_ids
    supports_bytes_environ waitstatus_to_exitcode'''.split())
SIGNALS = {'SIGINT', 'SIGTERM', 'SIGABRT', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIG_DFL', 'SIG_IGN'}
for name in ('fcntl', 'termios', 'pty', 'tty', 'resource', 'grp', 'pwd', 'readline'):
    sys.modules[name] = None
public = [name for name in dir(os) if not name.startswith('_')]
modules = {name for name in public if isinstance(getattr(os, name), type(os))}
for name in set(public) - WINDOWS_HAS - modules - {'GenericAlias', 'Mapping', 'MutableMapping'}:
    delattr(os, name)
for name in dir(signal):
    if name.startswith('SIG') and name.isupper() and name not in SIGNALS:
        delattr(signal, name)
for module, names in ((signal, 'setitimer getitimer alarm pause ITIMER_REAL pidfd_send_signal '
                               'pthread_kill pthread_sigmask sigwait'),
                      (select, 'poll epoll'), (socket, 'AF_UNIX AF_NETLINK AF_PACKET SCM_RIGHTS')):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in dir(mmap):
    if name.startswith(('MAP_', 'PROT_', 'MADV_')):
        delattr(mmap, name)
sys.platform = 'elsewhere'
"""
# Real containers, and what needs them.
NOT_THERE = ("minihv.containers.linux", "minihv.__main__",
             "minihv.course.judging.confined", "minihv.course.judging.nbgrader")
IMPORT_ALL = f"""
import minihv
from minihv.errors import MinihvError
imported = 0
for found in pkgutil.walk_packages(minihv.__path__, 'minihv.'):
    if not found.name.startswith({NOT_THERE!r}):
        try:
            importlib.import_module(found.name)
            imported += 1
        except MinihvError as error:
            assert 'need a Linux kernel' in str(error), error
assert imported > 100
"""
USE = """
from minihv import cli, guests
from minihv.cloud.instance import Forms
from minihv.containers import open_kernel
kernel = open_kernel('auto', user=None)
assert 'elsewhere is not Linux' in kernel.backend, kernel.backend
kernel.init.clone('pid').view()
assert Forms().cat[0]
assert cli.main(['container', 'ps']) == 2
assert cli.main(['run', '--engine', 'python', str(guests.path('hello'))]) == 0
"""


def without_posix(code: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "MINIHV_CONTAINERS"}
    return subprocess.run([sys.executable, "-c", WITHOUT_POSIX + code], env=env, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=240)


def test_everything_but_real_containers_imports():
    done = without_posix(IMPORT_ALL)
    assert done.returncode == 0, done.stderr


def test_guests_run_and_containers_fall_back_to_the_model():
    done = without_posix(USE)
    assert done.returncode == 0, done.stderr
    assert "Hello from a RISC-V guest!" in done.stdout
    assert done.stderr.startswith("minihv: containers that run programs need a Linux kernel")


def test_a_name_that_is_missing_is_noticed():
    names = ("os.uname", "os.getuid", "signal.SIGKILL", "signal.SIGALRM", "mmap.MAP_PRIVATE")
    done = without_posix(f"for name in {names}:\n    try: print(eval(name))\n"
                         "    except AttributeError: print('none')\nimport fcntl")
    assert done.stdout.split() == ["none"] * len(names)
    assert "import of fcntl halted" in done.stderr
