"""Ways to log from Python, measured on this machine: `attolog bench`.

python high_performance_logging.py             100,000 records, five runs of each: some minutes
python high_performance_logging.py --quick     half a minute, for a look
python high_performance_logging.py --help      all options
"""

import sys

from attolog._cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
