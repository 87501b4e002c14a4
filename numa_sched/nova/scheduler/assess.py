"""Whether a request fits hosts, from Nova's objects to verdicts."""

import nova.conf

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.fit.on_host import Allowance, OnHost
from numa_sched.fit.reasons import Misfit, Reason
from numa_sched.nova import convert
from numa_sched.nova.scheduler.pci import chosen_providers
from numa_sched.nova.scheduler.views import VIEWS, Verdict, View

CONF = nova.conf.CONF


class Assessment:
    """One request, on any number of hosts."""

    def __init__(self, request_spec, demand=None, views=VIEWS):
        """Read what does not depend on the host.

        :param demand: what is to learn of the request, if anything
        :raises TopologyError: if the request's topology makes no sense
        """
        self.guest = convert.guest(request_spec)
        self.requests = convert.pci_requests(request_spec)
        self._packing = (
            CONF.compute.packing_host_numa_cells_allocation_strategy
        )
        self._views = views
        self._now = views.begin()
        self._part = Allowance().part
        self._given_up: set[View] = set()
        self._on: OnHost | None = None
        if demand and self.guest:
            project = 'project_id' in request_spec and request_spec.project_id
            demand.saw(self.guest, request_spec.instance_uuid, project or None)
        self.placer = self.guest and views.placer(
            self.guest, packing=self._packing
        )

    def view(self, host_state) -> View:
        """Give the view of a host."""
        return self._views.of(host_state, self._now)

    def views(self, host_states) -> list[View | None]:
        """Give the views of hosts, with the verdicts on all worked out.

        That is faster at once than one by one. Where something fails, which
        :meth:`view` or :meth:`verdict` will tell of that host, nothing is
        worked out, and the view is None if it is that.
        """
        views = []
        for host_state in host_states:
            try:
                views.append(self.view(host_state))
            except Exception:
                views.append(None)
        if self.guest and not self.requests:
            self._place(views)
        return views

    def _place(self, views):
        new = [
            view
            for view in views
            if view is not None
            and view.host is not None
            and self.placer not in view.verdicts
        ]
        try:
            claims = self.placer.place_all(
                [view.host for view in new], self._part
            )
        except Exception:
            return
        for view, claim in zip(new, claims, strict=True):
            if claim is fit.UNDECIDED:
                self._given_up.add(view)
            else:
                view.keep(self.placer, claim)

    def verdict(self, host_state, view: View) -> Verdict:
        """Give the verdict for the candidate that Nova takes: the first."""
        if view in self._given_up:
            return Verdict(None)
        if not self.requests:
            return view.verdict(self.placer)
        candidates = host_state.allocation_candidates or [{'mappings': {}}]
        key = self.placer, self._chosen(host_state, candidates[0])
        if key in view.verdicts:
            return view.verdicts[key]
        found = self.with_devices(host_state, view, candidates[0])
        return view.keep(key, found) if found else Verdict(None)

    def with_devices(self, host_state, view, candidate) -> Claim | Misfit:
        """Give the claim for one allocation candidate, or why there is none.

        Candidates that leave the same choice of devices get one answer.
        """
        chosen = self._chosen(host_state, candidate)
        kept = view.verdicts.get((self.placer, chosen))
        if kept is not None:
            return kept.claim
        if self._on is None or self._on.host is not view.host:
            self._on = OnHost(
                view.host, self.guest, self._packing, self._part()
            )
        return self._on.claim(chosen)

    def keep(self, host_state, view, candidate, claim):
        """Keep the claim for an allocation candidate of a host."""
        key = self.placer, self._chosen(host_state, candidate)
        if key not in view.verdicts:  # with its score, if it is known
            view.keep(key, claim)

    def explain(self, view) -> Reason:
        """Give why a guest without devices does not fit a host."""
        return self.placer.explain(view.host, self._part()).reason

    def _chosen(self, host_state, candidate):
        """Give the providers of the devices, None if none are looked for."""
        if not host_state.pci_stats:
            return None
        return chosen_providers(
            host_state.pci_stats, self.requests, candidate['mappings']
        )
