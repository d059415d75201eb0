"""Which port is free, and who holds the one that is not.

Owns nothing. Looks at this machine's loopback only.
"""

import random
import re
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LISTENING = "0A"  # st in /proc/net/tcp, include/net/tcp_states.h


def is_free(port: int) -> bool:
    """Whether a server could listen on it now; connections of the past in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Different ports that are free now, below 32768: above it Linux gives them out to clients, and one could be gone before it is used."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.randrange(20_000, 32_768)
        if port not in chosen and is_free(port):
            chosen.append(port)
    return chosen


def holder(port: int) -> str:
    """`name (pid 123)` of the process that listens on `port`, or `another program` where that cannot be seen."""
    inodes = {
        f"socket:[{fields[9]}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for fields in map(str.split, Path(table).read_text().splitlines()[1:])
        if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port
    }
    for process in (path for path in Path("/proc").iterdir() if re.fullmatch(r"\d+", path.name)):
        try:
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # it ended, or is somebody else's
            continue
    return "another program"
