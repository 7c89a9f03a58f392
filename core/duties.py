"""Work that passes from one person to another.

The cellar knows no duty of the register; whoever keeps some (households entrusted to a person, for
one) listens and passes them on. Sent inside the transaction of the act, with `old`, `new` (users),
`on` (the day) and `by`.
"""

from django.dispatch import Signal

handed_over = Signal()
