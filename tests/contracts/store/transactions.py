"""What a store promises of transactions: all or nothing, and nobody waits for a reader."""

import asyncio

import pytest

from retender.domain.model.errors import StoreBusy
from retender.domain.model.order import Order
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.deeds import DEEDS, UNSEEN, Scene, a_scene, do, everything
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import an_order, keep

SOON = 5.0
"""Seconds after which a test stops waiting for what should not make it wait at all."""


class TransactionsContract(StoreContract):
    """Commit keeps everything; anything else keeps nothing."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("deed", list(DEEDS))
    async def test_what_is_committed_is_kept(self, unit_of_work: UnitOfWork, deed: str) -> None:
        """Another unit of work sees it."""
        scene = await a_scene(unit_of_work)
        before = await everything(unit_of_work, scene)
        async with unit_of_work() as work:
            await do(deed, work, scene)
            await work.commit()
        changed = await everything(unit_of_work, scene) != before
        assert changed is (deed not in UNSEEN)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("deed", list(DEEDS))
    async def test_what_is_not_committed_never_was(
        self, unit_of_work: UnitOfWork, deed: str
    ) -> None:
        """Leaving without a word undoes it, so it can be done as if for the first time."""
        scene = await a_scene(unit_of_work)
        before = await everything(unit_of_work, scene)
        async with unit_of_work() as work:
            await do(deed, work, scene)
        assert await everything(unit_of_work, scene) == before
        async with unit_of_work() as work:
            await do(deed, work, scene)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("deed", list(DEEDS))
    async def test_an_error_undoes_everything(self, unit_of_work: UnitOfWork, deed: str) -> None:
        """It comes through, and leaves nothing behind."""
        scene = await a_scene(unit_of_work)
        before = await everything(unit_of_work, scene)
        with pytest.raises(ZeroDivisionError):
            await do_and_fail(unit_of_work, deed, scene)
        assert await everything(unit_of_work, scene) == before
        async with unit_of_work() as work:
            await do(deed, work, scene)

    @pytest.mark.asyncio
    async def test_a_unit_sees_what_it_did_itself(self, unit_of_work: UnitOfWork) -> None:
        """Before it is committed."""
        order = an_order()
        async with unit_of_work() as work:
            await work.orders.add(order)
            assert await work.orders.by_id(order.order_id) == order

    @pytest.mark.asyncio
    async def test_a_unit_is_over_after_its_commit(self, unit_of_work: UnitOfWork) -> None:
        """What comes after it would belong to no transaction."""
        order = an_order()
        async with unit_of_work() as work:
            await work.orders.add(order)
            await work.commit()
            with pytest.raises(RuntimeError):
                await work.orders.by_id(order.order_id)
            with pytest.raises(RuntimeError):
                await work.commit()

    @pytest.mark.asyncio
    async def test_a_unit_is_over_after_its_end(self, unit_of_work: UnitOfWork) -> None:
        """Committed or not, writing or reading."""
        for read_only in (False, True):
            async with unit_of_work(read_only=read_only) as work:
                await work.orders.by_id("nobody")
            with pytest.raises(RuntimeError):
                await work.orders.by_id("nobody")

    @pytest.mark.asyncio
    async def test_a_reader_commits_nothing(self, unit_of_work: UnitOfWork) -> None:
        """To try is an error."""
        async with unit_of_work(read_only=True) as work:
            with pytest.raises(RuntimeError):
                await work.commit()

    @pytest.mark.asyncio
    async def test_a_reader_does_not_wait_for_a_writer(self, impatient: UnitOfWork) -> None:
        """It sees what was committed before, and afterwards what was committed since."""
        order = await a_kept_order(impatient)
        async with asyncio.timeout(SOON), impatient() as writer:
            await writer.orders.hold(order.order_id)
            assert await version_of(impatient, order) == 0
            await writer.commit()
            assert await version_of(impatient, order) == 1

    @pytest.mark.asyncio
    async def test_a_writer_does_not_wait_for_a_reader(self, impatient: UnitOfWork) -> None:
        """It begins, writes and commits while the reader is still reading."""
        order = await a_kept_order(impatient)
        async with asyncio.timeout(SOON), impatient(read_only=True) as reader:
            await reader.orders.by_id(order.order_id)
            async with impatient() as writer:
                await writer.orders.hold(order.order_id)
                await writer.commit()
            assert await reader.orders.by_id(order.order_id) is not None
        assert await version_of(impatient, order) == 1

    @pytest.mark.asyncio
    async def test_waiting_has_an_end(self, impatient: UnitOfWork) -> None:
        """Who waits too long for another writer is told so; nothing of theirs was done."""
        order = await a_kept_order(impatient)
        async with impatient() as first:
            await first.orders.hold(order.order_id)
            async with asyncio.timeout(SOON):
                with pytest.raises(StoreBusy):
                    await hold(impatient, order)
            await first.commit()
        assert await version_of(impatient, order) == 1
        await hold(impatient, order)
        assert await version_of(impatient, order) == 2

    @pytest.mark.asyncio
    async def test_who_is_cancelled_leaves_nothing_and_blocks_nobody(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """A client that hangs up in the middle of a transaction."""
        order = await a_kept_order(unit_of_work)
        inside = asyncio.Event()

        async def hang() -> None:
            async with unit_of_work() as work:
                await work.orders.hold(order.order_id)
                inside.set()
                await asyncio.Event().wait()

        async with asyncio.timeout(SOON):
            hanging = asyncio.create_task(hang())
            await inside.wait()
            waiting = asyncio.create_task(hold(unit_of_work, order))
            await asyncio.sleep(0)
            for task in (waiting, hanging):
                task.cancel()
            await asyncio.gather(waiting, hanging, return_exceptions=True)
            assert await version_of(unit_of_work, order) == 0
            await hold(unit_of_work, order)
        assert await version_of(unit_of_work, order) == 1

    @pytest.mark.asyncio
    async def test_wherever_it_is_cancelled_the_store_goes_on(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Before, during and after every step; what was reported done is done."""
        order = await a_kept_order(unit_of_work)
        done = 0
        async with asyncio.timeout(6 * SOON):
            for steps in range(40):
                task = asyncio.create_task(hold(unit_of_work, order))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                (outcome,) = await asyncio.gather(task, return_exceptions=True)
                done += outcome is None
            # Cancelled during the commit, it may have been done all the same.
            assert done <= await version_of(unit_of_work, order) <= 40
            before = await version_of(unit_of_work, order)
            await hold(unit_of_work, order)
        assert await version_of(unit_of_work, order) == before + 1


async def do_and_fail(unit_of_work: UnitOfWork, deed: str, scene: Scene) -> None:
    """Do the deed in a transaction that ends in an error."""
    async with unit_of_work() as work:
        await do(deed, work, scene)
        raise ZeroDivisionError


async def a_kept_order(unit_of_work: UnitOfWork) -> Order:
    """Return an order that is in the store."""
    order = an_order()
    await keep(unit_of_work, order)
    return order


async def hold(unit_of_work: UnitOfWork, order: Order) -> None:
    """Count the version up, in a transaction of its own."""
    async with unit_of_work() as work:
        assert await work.orders.hold(order.order_id)
        await work.commit()


async def version_of(unit_of_work: UnitOfWork, order: Order) -> int:
    """Return the order's version as others see it."""
    async with unit_of_work(read_only=True) as work:
        found = await work.orders.by_id(order.order_id)
    assert found is not None
    return found.version
