#!/usr/bin/env python3
"""Refuses Kubernetes files that the API server would refuse, pods that may more than Moose needs, and roles that nobody
starts again when they hang.

    deploy/lint/kubernetes.py [--self-test] FILE...

Every object is compared with the schema of its kind, without fields that are none of its; a kind without a schema is an
error. It needs kubernetes-validate (see deployments.sh).
"""

import copy
import sys

import jsonschema
import kubernetes_validate
import yaml

# What KEDA's custom resource has of the fields used here; the Kubernetes schemas don't know it.
SCALED_OBJECT = {
    "type": "object", "additionalProperties": False, "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "keda.sh/v1alpha1"}, "kind": {"const": "ScaledObject"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object", "additionalProperties": False, "required": ["scaleTargetRef", "triggers"],
            "properties": {
                "scaleTargetRef": {
                    "type": "object", "required": ["name"], "additionalProperties": False,
                    "properties": {key: {"type": "string"} for key in
                                   ("name", "kind", "apiVersion", "envSourceContainerName")}},
                "pollingInterval": {"type": "integer"}, "cooldownPeriod": {"type": "integer"},
                "idleReplicaCount": {"type": "integer"}, "minReplicaCount": {"type": "integer"},
                "maxReplicaCount": {"type": "integer"}, "fallback": {"type": "object"}, "advanced": {"type": "object"},
                "triggers": {
                    "type": "array", "minItems": 1,
                    "items": {
                        "type": "object", "required": ["type", "metadata"], "additionalProperties": False,
                        "properties": {
                            "type": {"type": "string"}, "name": {"type": "string"}, "metricType": {"type": "string"},
                            "useCachedMetrics": {"type": "boolean"}, "authenticationRef": {"type": "object"},
                            "metadata": {"type": "object", "additionalProperties": {"type": "string"}}}}}}}}}


def pod_of(thing):
    """The pod that the object makes, if it makes one."""
    return thing["spec"]["template"]["spec"] if "template" in thing.get("spec", {}) else None


def may_too_much(pod):
    """What a pod may that it need not."""
    security = pod.get("securityContext", {})
    if pod.get("automountServiceAccountToken") is not False:
        yield "gets a token of the API server: automountServiceAccountToken: false"
    if security.get("runAsNonRoot") is not True:
        yield "may run as root: securityContext.runAsNonRoot: true"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "may make any system call: securityContext.seccompProfile.type: RuntimeDefault"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"shares the host: {field}"
    for container in pod.get("initContainers", []) + pod["containers"]:
        name, own = container["name"], container.get("securityContext", {})
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
            yield f"{name} may gain privileges: allowPrivilegeEscalation: false"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{name} may write to its image: readOnlyRootFilesystem: true"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
            yield f"{name} has capabilities: drop: [ALL]"
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
            yield f"{name} has no bounds: requests of cpu and memory, a limit of memory"


def unwatched(thing, pod):
    """A role that isn't started again however it hangs, or is for what another container answers."""
    if thing["kind"] != "Deployment":
        return
    for container in pod["containers"]:
        own = [port[key] for port in container.get("ports", []) for key in ("containerPort", "name") if key in port]
        if container["image"].startswith("moose:") and (
                container.get("livenessProbe", {}).get("httpGet", {}).get("port") not in own):
            yield f"{container['name']} isn't started again when it hangs: a livenessProbe by HTTP on its own port"


def flaws(thing):
    """Everything that is wrong with one object."""
    if not isinstance(thing, dict) or "kind" not in thing or "apiVersion" not in thing:
        return ["is no Kubernetes object"]
    try:
        if thing["kind"] == "ScaledObject":
            jsonschema.validate(thing, SCALED_OBJECT)
        else:
            kubernetes_validate.validate(thing, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return [f"has a kind without a schema: {thing['apiVersion']} {thing['kind']}"]
    except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
        return [f"{'.'.join(map(str, error.path)) or 'it'}: {error.message}"]
    pod = pod_of(thing)
    return [*may_too_much(pod), *unwatched(thing, pod)] if pod else []


def objects(files):
    """Each object with its place."""
    for file in files:
        with open(file, encoding="utf-8") as text:
            for thing in yaml.safe_load_all(text):
                name = thing.get("metadata", {}).get("name", "?") if isinstance(thing, dict) else "?"
                yield f"{file}: {thing.get('kind', '?') if isinstance(thing, dict) else '?'} {name}", thing


def self_test(files):
    """Breaks each object in the ways that must be noticed."""
    missed = []

    def tried(where, what, thing):
        if not flaws(thing):
            missed.append(f"{where}: nobody notices {what}")

    for where, thing in objects(files):
        tried(where, "an unknown kind", thing | {"kind": thing["kind"] + "s"})
        tried(where, "an unknown field", thing | {"spec": thing.get("spec", {}) | {"specc": 1}})
        pod = pod_of(thing)
        if not pod:
            continue
        for field in ("automountServiceAccountToken", "securityContext"):
            broken = copy.deepcopy(thing)
            del pod_of(broken)[field]
            tried(where, f"a missing {field}", broken)
        for field in ("securityContext", "resources"):
            broken = copy.deepcopy(thing)
            del pod_of(broken)["containers"][-1][field]
            tried(where, f"a container without {field}", broken)
        if thing["kind"] == "Deployment":
            for probe in (None, {"tcpSocket": {"port": 9100}}, {"httpGet": {"path": "/healthz", "port": 9101}}):
                broken = copy.deepcopy(thing)
                pod_of(broken)["containers"][-1].pop("livenessProbe")
                if probe:
                    pod_of(broken)["containers"][-1]["livenessProbe"] = probe
                tried(where, f"a role with the livenessProbe {probe}", broken)
    return missed


def main(arguments):
    """Exit status."""
    if "--self-test" in arguments:
        wrong = self_test([file for file in arguments if file != "--self-test"])
    else:
        wrong = [f"{where}: {flaw}" for where, thing in objects(arguments) for flaw in flaws(thing)]
    for line in wrong:
        print(f"{line}", file=sys.stderr)
    return 1 if wrong or not arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
