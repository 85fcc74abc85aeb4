"""A kernel manager that asks for warm kernels, whatever the kernel spec on the disk says."""

from __future__ import annotations

import inspect

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from spm_lib.press.kernels.provisioner import NAME

_PROVISIONER = "kernel_provisioner"


class WarmKernelManager(AsyncKernelManager):
    """An `AsyncKernelManager` of warm kernels; a kernel spec that names a provisioner of its own keeps it."""

    # As they are, but for a pause of ten milliseconds that its tests need.
    start_kernel = inspect.unwrap(AsyncKernelManager.start_kernel)
    shutdown_kernel = inspect.unwrap(AsyncKernelManager.shutdown_kernel)

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel spec, with the provisioner named."""
        spec = super().kernel_spec
        if spec is not None and _PROVISIONER not in spec.metadata:
            spec.metadata = {**spec.metadata, _PROVISIONER: {"provisioner_name": NAME}}
        return spec

    @property
    def is_ours(self) -> bool:
        """Whether the provisioner is ours, and understands our launch arguments."""
        spec = self.kernel_spec
        return spec is not None and spec.metadata[_PROVISIONER].get("provisioner_name") == NAME
