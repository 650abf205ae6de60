# /// script
# dependencies = [
#     "syne-tune==0.16.0", "numpy==2.4.6", "pandas==3.1.1", "scipy==1.17.1",
#     "scikit-learn==1.9.1", "statsmodels==0.15.0", "huggingface_hub==2.4.0",
# ]
# ///
"""Syne Tune's BOHB: ASHA, and kernel densities of each trial's last value."""

from _protocol import serve
from _syne_tune import SyneTune
from syne_tune.optimizer.baselines import BOHB

if __name__ == "__main__":
    serve(lambda search: SyneTune(search, BOHB))
