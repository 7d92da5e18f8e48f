"""The comparison of paper 1 on data of one's own: `python -m trainer.compare OUT --corpus C --textbook T`.

command  data, twins and exam, each made once; then the report
report   Tables I and II, Fig. 6, and what of the paper's claims they bear out
"""

from trainer.compare.command import main

__all__ = ["main"]
