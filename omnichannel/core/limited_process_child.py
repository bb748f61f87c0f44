"""Run a module under resource limits; `limited_process` starts this as a child process.

Usage: python -m omnichannel.core.limited_process_child CPU_SECONDS WALL_SECONDS MEMORY_BYTES OUTPUT_BYTES MODULE

It imports little, so that the limits hold before the module or a library of it is loaded.
"""

import os
import resource
import runpy
import signal
import sys
import traceback
from typing import Final

# Exit statuses that no Python program uses by itself.
OUT_OF_MEMORY: Final = 101
UNCAUGHT_EXCEPTION: Final = 102
# The parent kills the child first; should the parent be gone, the child ends itself this much later.
GRACE_SECONDS: Final = 2
NICENESS: Final = 5
MAX_FRAMES: Final = 6


def main(arguments: list[str]) -> None:
    """Set the limits, then run the module as the main program."""
    *numbers, module = arguments
    set_limits(*map(int, numbers))
    sys.argv = [module]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.stdout.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        # Without the message: it may quote customer data, which must not reach the log.
        sys.stderr.write(_format_location(error))
        sys.stderr.flush()
        os._exit(UNCAUGHT_EXCEPTION)


def set_limits(cpu: int, wall: int, memory: int, output: int) -> None:
    """Limit this process.

    Args:
        cpu: processor time in seconds, then SIGXCPU.
        wall: time by the clock in seconds. The parent kills at this point; SIGALRM and the hard processor limit follow.
        memory: address space in bytes.
        output: size in bytes of every file written to, standard output included, then SIGXFSZ.
    """
    _set_limit(resource.RLIMIT_CORE, 0, 0)  # a core file would hold the data
    _set_limit(resource.RLIMIT_NPROC, 0, 0)  # no children that outlive this process; root is exempt
    _set_limit(resource.RLIMIT_CPU, cpu, max(cpu, wall) + GRACE_SECONDS)
    _set_limit(resource.RLIMIT_FSIZE, output, output)
    _set_limit(resource.RLIMIT_AS, memory, memory)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it at start
    signal.alarm(wall + GRACE_SECONDS)
    os.nice(NICENESS)  # the server and the worker go first


def _set_limit(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or keep the stricter one the process was started with."""
    current = resource.getrlimit(kind)[1]
    if current != resource.RLIM_INFINITY:
        soft, hard = min(soft, current), min(hard, current)
    resource.setrlimit(kind, (soft, hard))


def _format_location(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([type(error).__name__, *reversed(places)])


if __name__ == "__main__":
    main(sys.argv[1:])
