"""A program's help, read as argparse of several versions prints it."""

from tuner.spec.program_help import ProgramOption, options_of

HELP = """\
usage: train.py [-h] --data DATA [-l LR] [--batch-size N]
                [--opt {adam,sgd}] [--amp | --no-amp] [--layers LAYERS [LAYERS ...]]
                task

Train something: with a colon.

positional arguments:
  task                  what to do

options:
  -h, --help            show this help message and exit
  --data DATA           where it is
  -l LR, --lr LR        learning rate (default: 0.001)
  -b, --batch-size N    input batch size for training
                        [default: 64]
  --opt {adam,sgd}      the optimizer
  --amp, --no-amp       mixed precision (default: True)
  --layers LAYERS [LAYERS ...]
                        widths (default: [64, 64])
  --nesterov            default is off
  --name NAME           what it is called

other:
  --momentum M          SGD momentum (default=0.5).
"""


def test_every_option_is_found_with_what_is_said_of_it() -> None:
    assert options_of(HELP) == (
        ProgramOption(flag="task", value="task", is_required=True),
        ProgramOption(flag="--data", value="DATA", is_required=True),
        ProgramOption(flag="--lr", value="LR", default="0.001"),
        ProgramOption(flag="--batch-size", value="N", default="64"),
        ProgramOption(flag="--opt", value="{adam,sgd}", choices=("adam", "sgd")),
        ProgramOption(flag="--amp", off="--no-amp", default="True"),
        ProgramOption(flag="--layers", value="LAYERS [LAYERS ...]", default="[64", is_list=True),
        ProgramOption(flag="--nesterov", default="off"),
        ProgramOption(flag="--name", value="NAME"),
        ProgramOption(flag="--momentum", value="M", default="0.5"),
    )


def test_what_is_no_help_has_no_options() -> None:
    assert options_of("") == options_of("hello\n  world\n") == ()
