"""The demo city: a synthetic 洛阳 on the real division list of 2017, the same at every run.

`plan` holds the published totals and breaks them down to exact cells, `places` chooses villages,
`families`, `people` and `living` invent who lives there, `city` puts them together county by county,
`load` writes them. Nobody in it is real: identity numbers begin with 99, a division that does not
exist, and telephone numbers lie in a range that no operator was given.
"""
