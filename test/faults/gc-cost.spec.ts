import assert from 'node:assert/strict'
import { powerOf } from './gc-cost/power.ts'

describe('the power that a cost grows with', () => {
  const sizes = [1000, 10_000, 100_000]
  const grown = (cost: (size: number) => number): number =>
    powerOf(sizes.map((x) => ({ x, y: cost(x) })))

  it('is one for what is linear, and more for what is not', () => {
    assert.ok(Math.abs(grown((size) => 30 * size) - 1) < 1e-9)
    assert.ok(Math.abs(grown((size) => size ** 2 / 50) - 2) < 1e-9)
    assert.ok(grown((size) => size * Math.log(size)) > 1.1)
  })

  it('is less than one where much of it is the same for all', () => {
    assert.ok(grown((size) => 5000 + size) < 0.8)
  })

  it('is nothing for a single size', () => {
    assert.equal(powerOf([{ x: 5, y: 7 }]), 0)
  })
})
