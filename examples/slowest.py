"""Find the slowest request in the log of `serving`, and what it waited for.

python examples/serving/multi_model_dev.py --run-seconds 5 --log-file serving.atto
python examples/slowest.py serving.atto
"""

import sys

import attolog

run = attolog.read(sys.argv[1])
slowest = max(run["DONE"].to_dicts(), key=lambda request: request["total_ms"])
arrived = slowest["time"] - round(slowest["total_ms"] * 1e6)

# Only the blocks of the log that hold this time are read.
batches = run["EXEC"].select(since=arrived, until=slowest["time"]).to_dicts()
before = [batch for batch in batches if batch["batch_id"] != slowest["batch_id"]]
busy_ms = sum(batch["actual_ms"] for batch in before)

print("The slowest request: {model} {task_id}, {total_ms:.1f} ms".format(**slowest))
print("  {wait_ms:.1f} ms waiting, {infer_ms:.1f} ms in its batch {batch_id}".format(**slowest))
print(f"  meanwhile {len(before)} other batches ran, for {busy_ms:.1f} ms:")
for batch in before:
    print("    {model:<12} {batch_size:>3} requests {actual_ms:>7.1f} ms".format(**batch))
