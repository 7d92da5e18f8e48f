"""Train backbone and Medusa heads on packed rows: `python -m trainer.finetune DATA OUT`.

    --method fragment   heads with syntax-enriched labels (paper 1, III-C)
    --method medusa     heads with plain shifted labels
    --method ntp        no heads

The loss is eq. 2 of paper 1: gamma 0.8, lambda growing along a sine from 0 to 0.2, the heads at four
times the base learning rate and, since ten heads everywhere would cost three times the backbone, on a
sample of the positions. Backbone and heads are trained together (Medusa-2), or heads alone
(`--freeze`, Medusa-1), or the backbone first and the heads late (`--heads-from 0.7`); the backbone whole
or through adapters that are merged in at the end (`--lora 32`).

    config     the options, one typed record
    start      the model a run starts with: from scratch, or from a folder
    optimizer  float32 masters of bfloat16 weights
    loop       the steps: same result whether interrupted or not, on one process or several
    checkpoint what a stopped run needs to go on, written whole or not at all
    journal    log, curve, and the report of a loss that is not finite
    command    the command line, and the model folder at the end
"""

from trainer.finetune.command import main
from trainer.finetune.config import Config
from trainer.finetune.optimizer import Optimizer
from trainer.finetune.start import build

__all__ = ["Config", "Optimizer", "build", "main"]
