"""Breaking the product on purpose: a driver with servers of its own, and what must hold after.

`python -m tests.faults --injections 60 --seed 1` runs it by hand; `test_faults.py` does so in the
suite, `FAULTS=1000 script/test tests/faults` for a long night.

`rig` builds a city of two counties on a small file system of its own and runs the whole product on
it under the product's supervisor. `plan` draws the faults from a seed. `stories` tells what clerks
do meanwhile, `inject` does the harm, `invariants` looks whether anything is lost, doubled or half
written. `drive` holds the threads together and prints the table.
"""
