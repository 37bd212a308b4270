import assert from 'node:assert/strict'
import { Campaign } from './campaign.ts'
import { objectsLeft } from './memory-check.ts'
import { judge } from './oracle.ts'
import { Target } from './target.ts'
import { WireConnection } from './wire-connection.ts'
import type { Memory } from './memory.ts'

/** Few, for a fresh machine to see that the fuzzing works: CI runs more, with `npm run fuzz`. */
const REQUESTS = 2000

describe('a daemon that is sent 2,000 requests of every kind', function () {
  this.timeout(120_000)
  let target: Target
  let campaign: Campaign
  /** After half of them. */
  let base: Memory
  before(async () => {
    target = await Target.start()
    campaign = new Campaign(target, { seed: Math.floor(Math.random() * 2 ** 31), clients: 6 })
    await campaign.prepare()
  })
  after(() => target?.[Symbol.asyncDispose]())

  it('answers each as HTTP and OCI have it, never with a 5xx, and serves a good client meanwhile', async () => {
    await campaign.run(REQUESTS / 2)
    base = await target.memoryAtRest()
    await campaign.run(REQUESTS)
    assert.ok(campaign.tally.requests >= REQUESTS)
    const statuses = new Map(campaign.tally.statuses)
    // The generator gets deep: it is not only refused.
    for (const status of ['200', '201', '202', '204', '206', '400', '404', '416'])
      assert.ok((statuses.get(status) ?? 0) > 0, `no request was answered with ${status}`)
  })

  it('has lost nothing, has complained of nothing, and lets its memory go', async () => {
    await campaign.endUploads()
    await campaign.verify()
    assert.deepEqual(target.complaints, [])
    assert.equal(objectsLeft(base, await target.memoryAtRest()), undefined)
  })

  it('lets a client see the answer that is refused at once while it sends its body', async () => {
    const head = 'PUT /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\n'
    const request = Buffer.concat([
      Buffer.from(`${head}Content-Length: 4000000\r\n\r\n`),
      Buffer.alloc(4_000_000),
    ])
    for (let n = 0; n < 20; n++) {
      const connection = await WireConnection.open(target.http)
      connection.write(request)
      const answer = await connection.answer('PUT').finally(() => connection.destroy())
      assert.equal(answer.status, 417)
      judge({ method: 'PUT', target: '/v2/' }, answer)
    }
  })

  it('stops clean, and starts again with all that it had', async () => {
    assert.deepEqual(await target.daemon.stop(), { code: 0, signal: null })
    await target.daemon.restart()
    await campaign.verify()
  })
})
