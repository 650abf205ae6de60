"""Studies in Optuna's own schema: what `optuna`, optuna-dashboard and any Optuna script can open as it is."""
