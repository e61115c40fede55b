"""The kernel itself: time, chance and death."""

import asyncio

import pytest

from retender.tests.simulation.chance import stream
from retender.tests.simulation.kernel import Deadlock, Fate, Node, VirtualLoop


def loop_of(seed=1, disorder=0.5):
    return VirtualLoop(stream(seed), disorder)  # type: ignore[abstract]  # no sockets, on purpose


def test_a_day_passes_at_once():
    async def main():
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    assert loop_of().run(main()) == 86_400


def test_waiting_ends_in_virtual_time():
    async def main():
        async with asyncio.timeout(30):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        loop_of().run(main())


def test_who_is_next_is_chance_and_the_same_chance_each_time():
    def told(seed):
        lines = []

        async def one(name):
            for _ in range(5):
                lines.append(name)
                await asyncio.sleep(0)

        async def main():
            await asyncio.gather(*(one(name) for name in "abc"))

        loop_of(seed).run(main())
        return "".join(lines)

    assert told(1) == told(1)
    assert len({told(seed) for seed in range(20)}) > 10


def test_what_was_killed_never_runs_again_not_even_its_finally():
    lines = []

    async def one():
        try:
            await asyncio.sleep(10)
            lines.append("alive")
        finally:
            lines.append("tidied up")

    async def main(loop, node):
        loop.spawn(one(), node)
        await asyncio.sleep(5)
        node.kill()
        await asyncio.sleep(100)
        return list(lines)

    loop = loop_of()
    assert loop.run(main(loop, Node("server"))) == []


def test_a_fuse_kills_between_any_two_steps():
    def lines_with(fuse):
        lines = []

        async def one():
            for number in range(5):
                lines.append(number)
                await asyncio.sleep(0)

        async def main(loop):
            node = Node("server")
            node.fates.append(Fate(node.kill, steps=fuse))
            loop.spawn(one(), node)
            await asyncio.sleep(1)

        loop = loop_of()
        loop.run(main(loop))
        return lines

    assert [lines_with(fuse) for fuse in range(4)] == [[], [0], [0, 1], [0, 1, 2]]


def test_what_was_stopped_goes_on_later_where_it_was():
    lines = []

    async def one(loop):
        for number in range(4):
            lines.append((number, loop.time()))
            await asyncio.sleep(1)

    async def main(loop):
        node = Node("worker")
        node.fates.append(Fate(node.stop, steps=2))
        loop.spawn(one(loop), node)
        await asyncio.sleep(60)
        assert node.is_stopped
        loop.go_on(node)
        await asyncio.sleep(60)

    loop = loop_of()
    loop.run(main(loop))
    assert lines == [(0, 0), (1, 60), (2, 61), (3, 62)]


def test_what_was_stopped_can_be_killed():
    lines = []

    async def one():
        await asyncio.sleep(1)
        lines.append("alive")

    async def main(loop, node):
        loop.spawn(one(), node)
        node.stop()
        await asyncio.sleep(5)
        node.kill()
        loop.go_on(node)
        await asyncio.sleep(5)
        return list(lines)

    loop = loop_of()
    assert loop.run(main(loop, Node("worker"))) == []


def test_a_fate_waits_at_its_place():
    node = Node("server")
    node.fates.append(Fate(node.kill, place="before a commit"))
    told = [(node.come_to(place), node.alive) for place in ("after a commit", "before a commit")]
    assert told == [(False, True), (True, False)]
    assert not node.come_to("before a commit")


def test_waiting_for_nothing_is_told():
    async def main():
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        loop_of().run(main())


def test_threads_and_sockets_do_not_exist():
    async def main():
        await asyncio.to_thread(print)

    with pytest.raises(NotImplementedError):
        loop_of().run(main())
