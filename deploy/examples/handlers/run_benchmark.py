#!/usr/bin/env -S python3 -B
"""Calls one function of a module `repetitions` times and reports the rate. Asked for too many, it runs into its time-out."""

import importlib
import sys
import time

from example_repo import HandlerError, field, main, module_file, project_folder


def run_benchmark(order, bill):
    payload = order["payload"]
    folder = project_folder(order)
    module_name = field(payload, "module", str)
    module_file(folder, module_name)
    sys.path.insert(0, str(folder))
    module = importlib.import_module(f"{folder.name}.{module_name}")
    function = getattr(module, field(payload, "function", str), None)
    if not callable(function):
        raise HandlerError(
            f"{module_name} has no function {payload['function']}", failure_class="contract_violation", retry=False
        )

    arguments = field(payload, "arguments", list)
    repetitions = field(payload, "repetitions", int)
    print(f"calling {module_name}.{payload['function']} {repetitions} times", flush=True)
    start = time.perf_counter()
    for _ in range(repetitions):
        function(*arguments)
    elapsed = time.perf_counter() - start
    return {"function": payload["function"], "repetitions": repetitions, "calls_per_second": round(repetitions / elapsed)}


main(run_benchmark)
