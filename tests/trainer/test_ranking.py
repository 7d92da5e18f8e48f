import math

import pytest
import torch

from trainer.ranking import itertl_loss, mean_log_probability, ranking_loss

IGNORE = -100


@pytest.fixture
def rows():
    """Logits [3, 6, 11] and labels [3, 6] of responses of 3, 1 and 4 tokens."""
    generator = torch.Generator().manual_seed(7)
    logits = torch.randn(3, 6, 11, generator=generator)
    labels = torch.randint(0, 11, (3, 6), generator=generator)
    for row, (first, last) in enumerate([(2, 5), (4, 5), (0, 4)]):
        outside = [place for place in range(6) if not first <= place < last]
        labels[row, outside] = IGNORE
    return logits, labels


def plain_log_probability(logits, labels):
    """Eq. 1 as a loop over tokens."""
    means = []
    for row_logits, row_labels in zip(logits.tolist(), labels.tolist(), strict=True):
        logs = [
            scores[label] - math.log(sum(map(math.exp, scores)))
            for scores, label in zip(row_logits, row_labels, strict=True)
            if label != IGNORE
        ]
        means.append(sum(logs) / len(logs))
    return means


def plain_ranking(p, z, alpha, beta):
    """Eq. 2 as a loop over pairs."""
    responses = range(len(p))
    return sum(
        max(p[k] - p[tau] + alpha, 0)
        for k in responses
        for tau in responses
        if z[k] < z[tau] - beta
    )


def test_equation_1_is_the_mean_over_response_tokens(rows):
    assert mean_log_probability(*rows).tolist() == pytest.approx(plain_log_probability(*rows))


def test_padding_and_prompt_do_not_matter(rows):
    logits, labels = rows
    elsewhere = (labels == IGNORE).unsqueeze(-1)
    changed = logits.masked_fill(elsewhere, 50.0)
    padded = torch.nn.functional.pad(changed, (0, 0, 0, 4))
    padded_labels = torch.nn.functional.pad(labels, (0, 4), value=IGNORE)
    expected = mean_log_probability(logits, labels)
    torch.testing.assert_close(mean_log_probability(padded, padded_labels), expected)

    logits.requires_grad_()
    mean_log_probability(logits, labels).sum().backward()
    assert logits.grad[labels == IGNORE].abs().max() == 0


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.2), (0.0, 0.0), (1.0, 0.5)])
def test_equation_2_is_the_hinge_over_pairs(alpha, beta):
    generator = torch.Generator().manual_seed(3)
    p = -torch.rand(5, 4, generator=generator)
    z = torch.rand(5, 4, generator=generator)
    expected = [
        plain_ranking(*row, alpha, beta) for row in zip(p.tolist(), z.tolist(), strict=True)
    ]
    assert ranking_loss(p, z, alpha, beta).tolist() == pytest.approx(expected)


def test_a_pair_needs_more_than_beta_between_its_qualities():
    p = torch.zeros(1, 2)
    assert ranking_loss(p, torch.tensor([[0.8, 1.0]])).item() == 0
    assert ranking_loss(p, torch.tensor([[0.79, 1.0]])).item() == pytest.approx(0.3)


def test_a_pair_that_is_apart_by_the_margin_costs_nothing():
    z = torch.tensor([[0.0, 1.0]])
    assert ranking_loss(torch.tensor([[-1.5, -1.0]]), z).item() == 0
    assert ranking_loss(torch.tensor([[-1.25, -1.0]]), z).item() == pytest.approx(0.05)


def test_without_pairs_the_loss_is_the_cross_entropy_of_the_reference(rows):
    logits, labels = rows
    p = mean_log_probability(logits, labels).unsqueeze(0)
    loss = itertl_loss(p, torch.ones(1, 3))
    expected = torch.nn.functional.cross_entropy(logits[-1], labels[-1], ignore_index=IGNORE)
    assert loss.total.item() == pytest.approx(expected.item())
    assert loss.ranking.item() == 0


def test_equation_4_weighs_the_ranking_by_the_cross_entropy():
    p = torch.tensor([[-0.5, -2.0], [-3.0, -1.0]])
    z = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    loss = itertl_loss(p, z)
    # hinges: -0.5 + 2.0 + 0.3 = 1.8, and none
    assert loss.total.item() == pytest.approx(((2.0 + 2.0 * 1.8) + 1.0) / 2)
    assert loss.cross_entropy.item() == pytest.approx(1.5)
    assert loss.ranking.item() == pytest.approx(0.9)


def test_no_gradient_flows_through_lambda():
    """RTLCoder's (L_ranking + 1) * L_ce has the same value as eq. 4 and another gradient."""
    values = [[-0.5, -2.0]]
    z = torch.tensor([[0.0, 1.0]])

    p = torch.tensor(values, requires_grad=True)
    ours = itertl_loss(p, z).total
    ours.backward()
    # d/dp_1 = lambda; d/dp_K = -1 (cross entropy) - lambda (hinge), with lambda = 2
    assert p.grad.tolist() == [[2.0, -3.0]]

    q = torch.tensor(values, requires_grad=True)
    theirs = ((ranking_loss(q, z) + 1) * -q[:, -1]).sum()
    theirs.backward()
    assert theirs.item() == pytest.approx(ours.item())
    assert q.grad.tolist() == [[2.0, pytest.approx(-3.0 - 1.8)]]


def test_the_loss_decreases_along_its_gradient(rows):
    logits, labels = rows
    logits.requires_grad_()
    z = torch.tensor([[0.0, 0.4, 1.0]])

    def loss(values):
        return itertl_loss(mean_log_probability(values, labels).unsqueeze(0), z).total

    before = loss(logits)
    before.backward()
    assert loss(logits.detach() - 0.1 * logits.grad) < before
