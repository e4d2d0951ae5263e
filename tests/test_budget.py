import threading

import pytest

from upscale_cli.batch.budget import Budget, CancelledError


def test_no_more_is_lent_than_there_is():
    budget, guard, most, used = Budget(10), threading.Lock(), [0], [0]

    def work(amount):
        for _ in range(50):
            with budget.take(amount):
                with guard:
                    used[0] += amount
                    most[0] = max(most[0], used[0])
                with guard:
                    used[0] -= amount

    threads = [threading.Thread(target=work, args=(amount,)) for amount in (3, 4, 5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 10
    assert budget.used == 0


def test_what_is_larger_than_the_budget_works_alone():
    budget = Budget(10)
    entered = threading.Event()

    def work():
        with budget.take(99):
            entered.set()

    with budget.take(1):
        thread = threading.Thread(target=work)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    thread.join()


def test_a_closed_budget_lets_nobody_wait():
    budget = Budget(10)
    failed = []

    def work():
        try:
            with budget.take(5):
                pass
        except CancelledError as error:
            failed.append(error)

    with budget.take(8):
        thread = threading.Thread(target=work)
        thread.start()
        budget.close()
        thread.join(5)
    assert len(failed) == 1
    with pytest.raises(CancelledError), budget.take(1):
        pass


def test_bytes_come_back_after_an_error():
    budget = Budget(10)
    with pytest.raises(ValueError, match="oops"), budget.take(8):
        raise ValueError("oops")
    assert budget.used == 0
