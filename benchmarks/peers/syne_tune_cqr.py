# /// script
# dependencies = [
#     "syne-tune==0.16.0", "numpy==2.4.6", "pandas==3.1.1", "scipy==1.17.1",
#     "scikit-learn==1.9.1", "statsmodels==0.15.0", "huggingface_hub==2.4.0",
# ]
# ///
"""Syne Tune's ASHACQR: ASHA, and conformalized quantile regression of each trial's last value (Salinas et al. 2023)."""

from _protocol import serve
from _syne_tune import SyneTune
from syne_tune.optimizer.baselines import ASHACQR

if __name__ == "__main__":
    serve(lambda search: SyneTune(search, ASHACQR))
