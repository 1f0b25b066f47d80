"""The command `kldrift`, also ``python -m kldrift``, where the script is not on the path."""

from __future__ import annotations

import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C while modules are imported ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from kldrift.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
