"""The names of holes: which of a value's names it gets, and who chooses first."""

import ast
from string import Formatter

import pytest

from attolog._naming import NamedHole, names_of_holes
from attolog._rewrite import rewrite


def names(print_: str) -> list[str]:
    """The names of the holes of a print's template, by the log call that it becomes."""
    (done,) = rewrite(f"print({print_})\n".encode()).done
    text = ast.literal_eval(done.call.args[0])
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


OWN = [
    ("x", "x"),
    ("task.id", "task_id"),
    ("self.queue", "queue"),
    ('row["auc"]', "auc"),
    ('row.get("auc")', "auc"),
    ('row.get("auc", 0)', "auc"),
    ('history["loss"][-1]', "loss"),
    ("loss.item()", "loss"),
    ("loss.mean().item()", "loss"),
    ("loss.detach().cpu().numpy()", "loss"),
    ("loss.data[0]", "loss"),
    ("x.round(2)", "x"),
    ("float(x)", "x"),
    ("len(x)", "x"),
    ("len(loader.dataset)", "dataset"),
    ("round(x, 2)", "x"),
    ("np.mean(losses)", "losses"),
    ("losses.avg", "losses_avg"),
    ("(await x)", "x"),
    ("(x := 5)", "x"),
]


@pytest.mark.parametrize(("value", "name"), OWN)
def test_a_value_is_called_as_the_thing_that_it_is_taken_of(value: str, name: str) -> None:
    hole = NamedHole(ast.parse(value, mode="eval").body, before="label: ", behind=" ms")
    assert names_of_holes([hole]) == [name]


LABELS = [
    ("loss: ", "loss"),
    ("- loss:", "loss"),
    ("loss=", "loss"),
    ("loss = '", "loss"),
    ("loss ", "loss"),
    ("acc.: ", "acc"),
    ("Epoch [", "Epoch"),
    ("Epoch[", "Epoch"),
    ("Train Loss: ", "Train_Loss"),
    ("Test set: average loss ", "average_loss"),
    ("the model has a validation loss of ", "validation_loss"),
    ("one two three four five: ", "five"),
    ("Accuracy is ", "Accuracy"),
    ("val/acc: ", "val_acc"),
    ("F1-score: ", "F1_score"),
    ("Acc@1 ", "Acc_1"),
    ("Results:\n", "Results"),
    ("time: ", "time_"),
    ("Time: ", "Time_"),
    ("wörter: ", "wörter"),
]


@pytest.mark.parametrize(("before", "name"), LABELS)
def test_a_value_without_a_name_takes_the_words_in_front_of_it(before: str, name: str) -> None:
    value = ast.parse("a / b", mode="eval").body
    assert names_of_holes([NamedHole(value, before=before)]) == [name]


@pytest.mark.parametrize(
    "before",
    ["", " ", "/", "loss, ", "loss) ", "loss", "done in ", "3 ", "4loss", "a ", "done\n", "-- "],
)
def test_other_text_in_front_is_no_label(before: str) -> None:
    value = ast.parse("a / b", mode="eval").body
    assert names_of_holes([NamedHole(value, before=before)]) == [""]


PRINTS = [
    # The label goes before the name of a function, this before that of an offset and the unit.
    ('f"best: {f(x)} ms"', ["best"]),
    ('f"{f(x)} ms"', ["f_x"]),
    ('f"{f() + 1} ms"', ["ms"]),
    ('f"{epoch + 1} epochs"', ["epoch"]),
    ('f"Epoch {epoch + 1} epochs"', ["Epoch"]),
    ('f"{100 * c / t:.1f}%, {x * 1000} ms, {y * 2:.0f}s, {z * 2} in all"',
     ["percent", "ms", "s", ""]),
    ('f"({c / t:.0%})"', ["percent"]),
    ('f"train loss {losses[0]} {losses[-1]} {losses[i]}"', ["train_loss", "losses", "losses_2"]),
    ('f"{int(a / 60)}m {int(b % 60)}s {float(f(x))} {str(epoch + 1)} {max(a, b)}"',
     ["", "s", "f_x", "epoch", "max"]),
    ('f"{a + b}m {c + d}s"', ["", "s"]),
    ('f"m {a / b}s {c / d}s"', ["m", "s"]),
    ('f"PPL: {math.exp(loss)} {math.exp(loss)}"', ["PPL", "exp_loss"]),
    ('"-" * 20, "epoch", epoch', ["", "epoch"]),
    ('f"{a * b} epochs, {c * d} epochs"', ["epochs", ""]),
    # Variables choose first, then values with a name of their own.
    ('f"{len(x)} of {x}"', ["len_x", "x"]),
    ('f"loss {a / b} {loss.item()}"', ["loss_2", "loss"]),
    ('f"{loss.item()} {loss.mean()}"', ["loss", "loss_mean"]),
    ('f"max {loss.item()} mean {loss.item()}"', ["loss", "loss_item"]),
    ('f"{x.avg} {y.avg}"', ["x_avg", "y_avg"]),
    ('f"{a + b} {c + d}"', ["", ""]),
    ('"{n} of {}".format(a / b, n=x)', ["n", ""]),
    ('f"{x:{w}}"', ["x"]),
]  # fmt: skip


@pytest.mark.parametrize(("print_", "expected"), PRINTS)
def test_who_chooses_first(print_: str, expected: list[str]) -> None:
    assert names(print_) == expected


@pytest.mark.parametrize("level", ["abs({})", "{}.data", "{}.item()", '{}["a"]', "{}.a", "f({})"])
def test_a_deeply_nested_value_has_few_names(level: str) -> None:
    text = "x"
    for _ in range(40):
        text = level.format(text)
    hole = NamedHole(ast.parse(text, mode="eval").body)
    assert all(len(name) < 500 for name in names_of_holes([hole] * 10))


def test_a_long_text_in_front_costs_no_more_than_a_short_one() -> None:
    value = ast.parse("a / b", mode="eval").body
    assert names_of_holes([NamedHole(value, before="word " * 100_000 + "loss: ")]) == ["loss"]
