"""`minihv container run | ps | exec | logs | inspect | rm | images | add`.

The exit status of `run` and `exec` is the command's (128 + n if signal n killed it), signals that
we get go to it; 125 when the container could not be made, 126 when the command cannot run, 127
when there is none, 2 for bad usage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from minihv.errors import MinihvError
from minihv.tools.arguments import above_0, size
from minihv.tools.terminal import one_line

try:
    from minihv.containers.images import ContainerError, Store
    from minihv.containers.linux import cgroups
    from minihv.containers.linux.interpreter import become
    from minihv.containers.linux.runtime import first, records
    from minihv.containers.linux.runtime.attached import explain
    from minihv.containers.linux.runtime.first import Spec
    from minihv.containers.linux.runtime.spec import make_spec
except ImportError as error:
    raise MinihvError(f"containers that run programs need a Linux kernel ({error})") from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The commands of `minihv container`, and their options."""
    commands = parser.add_subparsers(dest="container_command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a command in a new container")
    run.add_argument("--rootless", action="store_true", default=None,
                     help="uid 0 inside is no one outside (always so for ordinary users)")
    run.add_argument("--memory", type=above_0(size, "size"), default=0, metavar="64M")
    run.add_argument("--pids", type=above_0(int), default=0, metavar="32")
    run.add_argument("--cpus", type=above_0(float), default=0, metavar="0.5")
    run.add_argument("--net", choices=("bridge", "none"), default="none")
    run.add_argument("--hostname", default="")
    run.add_argument("--name", default="")
    run.add_argument("--detach", "-d", action="store_true", help="print the id and go on")
    run.add_argument("--rm", dest="remove", action="store_true", help="keep no record of it")
    run.add_argument("image", help="a name of `images`, a tar file, an OCI layout, or busybox")
    run.add_argument("cmd", nargs=argparse.REMAINDER, metavar="-- CMD")
    commands.add_parser("ps", help="list containers")
    commands.add_parser("images", help="list images")
    add = commands.add_parser("add", help="take a tar file or an OCI layout into the store")
    add.add_argument("path", type=Path)
    add.add_argument("--name", default="")
    inside = commands.add_parser("exec", help="run a command in a running container")
    inside.add_argument("id")
    inside.add_argument("cmd", nargs=argparse.REMAINDER, metavar="-- CMD")
    for name, text in (("logs", "print the output of a container"),
                       ("inspect", "print all that is known of a container"),
                       ("rm", "kill a container if it runs, and forget it")):
        commands.add_parser(name, help=text).add_argument("id")


def main(args: argparse.Namespace) -> int:
    """Carry out one command."""
    while (fd := os.open(os.devnull, os.O_RDWR)) < 3:  # one of the standard streams is closed
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    store = Store()
    try:
        records.sweep(store.home)
        return COMMANDS[args.container_command](store, args)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"minihv: {explain(error)}", file=sys.stderr)
        known = (first.NOT_FOUND, first.CANNOT_RUN)
        return error.errno if error.errno in known else first.FAILED


def after_dashes(cmd: list[str]) -> list[str]:
    """Return a command without the `--` before it."""
    return cmd[1:] if cmd[:1] == ["--"] else cmd


def run(store: Store, args: argparse.Namespace) -> int:
    """run"""
    image = store.find(args.image)
    wanted = {name: getattr(args, name) for name in (
        "memory", "pids", "cpus", "net", "rootless", "name", "hostname", "remove")}
    spec = make_spec(store, image, after_dashes(args.cmd), **wanted)
    if args.name and any(s["name"] == args.name for s in states(store)):
        raise ContainerError(f"a container is called {args.name} already; remove it "
                                    f"with: minihv container rm {args.name}")
    if args.detach:
        return detach(spec)
    become("runtime.attached", json.dumps({"spec": spec}))


def detach(spec: Spec) -> int:
    """Leave a runner behind that waits for the container; print the id once it runs."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with open(reader) as f:
            problem = f.read()
        print(problem or spec["id"], file=sys.stderr if problem else sys.stdout,
              end="" if problem else "\n")
        return first.FAILED if problem else 0
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        os.set_inheritable(writer, True)
        become("runtime.attached", json.dumps({"spec": spec, "ready": writer}))
    except OSError as error:
        os.write(writer, f"minihv: {explain(error)}\n".encode())
    finally:
        os._exit(0)


def states(store: Store) -> list[Spec]:
    """Return the records of all containers, oldest first."""
    found = (records.read_state(folder) for folder in records.containers(store.home))
    return [s for s in found if s]


def find(store: Store, key: str) -> Spec:
    """Return a container by name, id or, if neither fits, the beginning of its id."""
    found = states(store)
    hits = [s for s in found if key in (s["name"], s["id"])] or [
        s for s in found if key and s["id"].startswith(key)]
    if len(hits) != 1:
        what = "no container" if not hits else "more than one container"
        raise ContainerError(f"{what} is called {key!r}; see: minihv container ps")
    return hits[0]


def ps(store: Store, args: argparse.Namespace) -> int:
    """ps"""
    print(f"{'ID':14}{'NAME':16}{'IMAGE':14}{'STATUS':14}{'PID':>8}  COMMAND")
    for state in states(store):
        record = state["record"]
        status = f"exited {record['exit']}" if "exit" in record else record["status"]
        cmd = one_line(" ".join(state["cmd"])[:40])  # an image's: it may hold escapes
        print(f"{state['id']:14}{state['name'][:15]:16}{state['image'][:13]:14}{status:14}"
              f"{record.get('pid') or '-':>8}  {cmd}")
    return 0


def execute(store: Store, args: argparse.Namespace) -> int:
    """exec"""
    state = find(store, args.id)
    cmd = after_dashes(args.cmd)
    if state["record"]["status"] != "running":
        raise ContainerError(f"container {args.id} does not run")
    if not cmd:
        raise ContainerError("exec needs a command, for example: -- sh")
    become("runtime.attached", json.dumps({"spec": state, "exec": cmd}))


def logs(store: Store, args: argparse.Namespace) -> int:
    """logs"""
    folder = Path(find(store, args.id)["folder"])
    for name in ("log.1", "log"):
        with contextlib.suppress(FileNotFoundError), open(folder / name, "rb") as f:
            while data := f.read(1 << 16):
                sys.stdout.buffer.write(data)
    return 0


def inspect(store: Store, args: argparse.Namespace) -> int:
    """inspect"""
    state = find(store, args.id)
    state["memory_used"] = cgroups.Limits(state["record"].get("dirs", [])).memory_used()
    state["changed"] = changed(state.get("upper", ""))
    print(json.dumps({k: v for k, v in state.items() if k != "site"}, indent=2))
    return 0


def changed(upper: str, most: int = 1000) -> list[str]:
    """Return names that a container wrote, but not deeper than a path can tell."""
    found: list[str] = []
    folders = [upper] if upper else []
    while folders and len(found) < most:
        with contextlib.suppress(OSError):
            for entry in os.scandir(folders.pop(0)):
                found.append(os.path.relpath(entry.path, upper))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return sorted(found)[:most]


def remove(store: Store, args: argparse.Namespace) -> int:
    """rm"""
    state = find(store, args.id)
    folder = Path(state["folder"])
    if state["record"]["status"] == "running" and not records.kill(state):
        raise ContainerError(f"container {args.id} does not end, though it was killed")
    for _ in range(500):  # its runner tidies up first
        try:
            lock = records.claim(folder)
        except FileNotFoundError:  # it has removed all
            return 0
        if lock is not None:
            records.delete(folder)
            os.close(lock)
            return 0
        time.sleep(0.01)
    raise ContainerError(f"the runner of container {args.id} does not let go of it")


def list_images(store: Store, args: argparse.Namespace) -> int:
    """images"""
    for name in store.names():
        try:
            image = store.find(name)
            print(f"{name:20}{len(image.layers)} layers  {image.layers[-1][:12]}")
        except ContainerError as error:
            print(f"minihv: {error}", file=sys.stderr)
    return 0


def add(store: Store, args: argparse.Namespace) -> int:
    """add"""
    print(store.add(args.path, args.name).name)
    return 0


COMMANDS = {"run": run, "ps": ps, "exec": execute, "logs": logs, "inspect": inspect,
            "rm": remove, "images": list_images, "add": add}
