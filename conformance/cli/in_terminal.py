"""Runs a command whose standard error is a terminal, and hands on what was shown there. Its output goes where ours does."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

ours, its = pty.openpty()
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=its)
os.close(its)
while True:
    try:
        shown = os.read(ours, 65536)
    except OSError:  # Nobody has it open any more.
        break
    sys.stderr.buffer.write(shown)
sys.exit(child.wait())
