"""How large a file from outside may be; `core.workbooks.guard` says where each figure comes from."""

MAX_FILE = 200 * 1024 * 1024
MAX_XLS = 80 * 1024 * 1024
MAX_ENTRIES = 400
# The archive's directory, which has to be held in memory to be looked at.
MAX_DIRECTORY = 1024 * 1024
MAX_UNPACKED = 2 * 1024**3
MAX_RATIO = 300
MAX_ROWS = 1_000_000
# Rows above the head: titles, notes.
TITLE_ROWS = 10
MAX_COLUMNS = 300
MAX_AREA = 50_000_000
MAX_CELLS = 13_500_000
MAX_CELL_TEXT = 32_767
MAX_STRINGS = 2_000_000
MAX_DEPTH = 64
MAX_ATTRIBUTES = 256
MAX_NAMES = 10_000
MAX_TOKEN = 1024 * 1024
# A physical line of a CSV, in characters.
MAX_LINE = 4 * 1024 * 1024

PARSER_MEMORY = 1_500 * 1024**2
PARSER_CPU_SECONDS = 240
PARSER_SECONDS = 300
PARSER_FILES = 16
# How the child tells at its end that memory was not enough; its other violent ends are signals.
OUT_OF_MEMORY = 70
MAX_DEATHS = 3
