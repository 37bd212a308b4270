import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { Leases } from '../../src/registry/leases.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { FakeClock } from '../support/registry-setup.ts'

const TIME = 1000
const app = parseName('team/app')
const other = parseName('team/other')
const blob = digestOf(Buffer.from('blob'))

async function openLeases(map = new MemoryMap(), isNew = true) {
  const clock = new FakeClock()
  const leases = await Leases.open({ time: TIME, now: clock.now, map }, { isNew })
  return { leases, clock, map }
}

describe('leases', () => {
  it('last for a while, in their repository alone, and begin anew when they are granted again', async () => {
    const { leases, clock } = await openLeases()
    void leases.grant(app, blob)
    assert.equal(leases.isLeased(other, blob), false)
    clock.advance(TIME - 1)
    assert.equal(leases.isLeased(app, blob), true)
    void leases.grant(app, blob)
    clock.advance(TIME - 1)
    assert.equal(leases.isLeased(app, blob), true)
    clock.advance(1)
    assert.equal(leases.isLeased(app, blob), false)
  })

  it('do not run out while something is uploaded to their repository', async () => {
    const { leases, clock } = await openLeases()
    void leases.grant(app, blob)
    void leases.grant(other, blob)
    {
      using _ = leases.upload(app)
      clock.advance(100 * TIME)
      assert.equal(leases.isLeased(app, blob), true)
    }
    assert.equal(leases.isLeased(other, blob), false)
    clock.advance(TIME - 1)
    assert.equal(leases.isLeased(app, blob), true)
    clock.advance(1)
    assert.equal(leases.isLeased(app, blob), false)
  })

  it('outlive an orderly stop, and begin anew then', async () => {
    const { leases, clock, map } = await openLeases()
    void leases.grant(app, blob)
    clock.advance(TIME - 1)
    await leases.save()
    const later = await openLeases(map, false)
    assert.equal(later.leases.allFor, 0)
    later.clock.advance(TIME - 1)
    assert.equal(later.leases.isLeased(app, blob), true)
    assert.equal(later.leases.isLeased(other, blob), false)
  })

  it('cover everything for as long as one lasts after the process was killed, or what it wrote is damaged', async () => {
    const killed = new MemoryMap()
    await openLeases(killed)
    const damaged = new MemoryMap()
    await damaged.put('leases', Buffer.from('{"half'))
    for (const map of [killed, damaged]) {
      const { leases, clock } = await openLeases(map, false)
      assert.equal(leases.isLeased(app, blob), true)
      assert.equal(leases.allFor, TIME)
      clock.advance(TIME)
      assert.equal(leases.isLeased(app, blob), false)
    }
  })

  it('cover everything for longer where something is uploaded after the process was killed', async () => {
    const { leases, clock, map } = await openLeases(new MemoryMap(), false)
    {
      using _ = leases.upload(app)
      clock.advance(3 * TIME)
      assert.equal(leases.allFor, 0)
      assert.equal(
        leases.isLeased(app, blob),
        true,
        'the last layer of what began before is under way',
      )
      assert.equal(leases.isLeased(other, blob), false)
    }
    clock.advance(TIME - 1)
    leases.prune()
    assert.equal(leases.isLeased(app, blob), true)
    await leases.save()
    assert.equal(await map.get('leases'), undefined, 'what is not known cannot be written down')
    clock.advance(1)
    assert.equal(leases.isLeased(app, blob), false)
  })

  it('are not left behind by who asked for what is not there', async () => {
    const { leases } = await openLeases()
    const missing = () => Promise.reject(new Error('missing'))
    await assert.rejects(leases.tentatively(app, blob, missing), /missing/)
    assert.equal(leases.isLeased(app, blob), false)
    assert.equal(await leases.tentatively(app, blob, async () => false), false)
    assert.equal(leases.isLeased(app, blob), false)
    assert.equal(await leases.tentatively(app, blob, async () => 'found'), 'found')
    assert.equal(leases.isLeased(app, blob), true)
    await assert.rejects(leases.tentatively(app, blob, missing), /missing/)
    assert.equal(leases.isLeased(app, blob), true, 'the one before stays')
  })

  it('stay where something comes while somebody else looks for it in vain', async () => {
    const { leases } = await openLeases()
    using _ = leases.upload(app) // time stands still
    const looked = Promise.withResolvers<string>()
    const first = leases.tentatively(app, blob, () => looked.promise)
    assert.equal(leases.isLeased(app, blob), true, 'as long as it is looked for')
    void leases.grant(app, blob)
    looked.reject(new Error('missing'))
    await assert.rejects(first, /missing/)
    assert.equal(leases.isLeased(app, blob), true)
  })

  it('are granted only after what is being taken away is gone', async () => {
    const { leases } = await openLeases()
    const removal = leases.remove(app, [blob])
    const order: string[] = []
    const granted = leases.grant(app, blob)?.then(() => order.push('granted'))
    assert.equal(leases.grant(other, blob), undefined)
    await Promise.resolve()
    order.push('gone')
    removal[Symbol.dispose]()
    await granted
    assert.deepEqual(order, ['gone', 'granted'])
    assert.equal(leases.grant(app, blob), undefined)
  })
})
