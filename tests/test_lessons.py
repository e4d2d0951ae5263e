"""A teacher's answers, kept in a file."""

import numpy as np
import pytest

from upscale_cli.training.lessons import LESSONS, Lessons

KEY, OTHER = b"k" * 32, b"o" * 32
QUESTIONS = [
    np.full(shape, level, np.float32) for shape, level in [((3, 5), 0.25), ((4, 4), 0.5), ((1, 2), 0.75)]
]


@pytest.fixture
def taught(tmp_path):
    """A function that asks ``questions`` under ``key``: the answers, and how often the teacher was needed."""

    def ask(questions, key=KEY):
        asked = []

        def teacher(low):
            asked.append(low)
            return low.repeat(2, axis=0).repeat(2, axis=1) + 0.125

        with Lessons(teacher, 2, tmp_path / "run" / LESSONS, key) as lessons:
            return [lessons(low) for low in questions], len(asked)

    return ask


def test_answers_are_the_same_the_second_time_and_nobody_is_asked(taught):
    answers, asked = taught(QUESTIONS)
    assert asked == 3
    for low, answer in zip(QUESTIONS, answers, strict=True):
        assert answer.shape == (2 * low.shape[0], 2 * low.shape[1])
        np.testing.assert_allclose(answer, low[0, 0] + 0.125, atol=1e-4)
    again, asked = taught(QUESTIONS)
    assert asked == 0
    for one, other in zip(answers, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_goes_on_from_the_first_answer_that_is_not_whole(taught, tmp_path):
    taught(QUESTIONS)
    file = tmp_path / "run" / LESSONS
    file.write_bytes(file.read_bytes()[:-17])
    answers, asked = taught(QUESTIONS)
    assert asked == 2
    for low, answer in zip(QUESTIONS, answers, strict=True):
        np.testing.assert_allclose(answer, low[0, 0] + 0.125, atol=1e-4)


def test_answers_to_other_questions_are_not_taken(taught):
    taught(QUESTIONS)
    assert taught(QUESTIONS, OTHER)[1] == 3
