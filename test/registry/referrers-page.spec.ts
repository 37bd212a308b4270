import assert from 'node:assert/strict'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import { APP, createRegistry } from '../support/registry-setup.ts'
import type { RegistryReader } from '../../src/registry/ports.ts'

describe('a page of referrers', () => {
  /** A registry whose mirror has this many referrers of one subject, and how many manifests of it were read. */
  const setup = async (count: number) => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    for (let i = 0; i < count; i++) {
      const extra = { artifactType: `text/${i % 2 === 0 ? 'even' : 'odd'}` }
      const annotations = { note: `${i}-${'x'.repeat(20_000)}` }
      const referrer = randomImage({ subject, extra: { ...extra, annotations } })
      await store({ writer: mirror, content: mirror.content }, APP, referrer)
    }
    const read = { manifests: 0 }
    const counting = (reader: RegistryReader): RegistryReader =>
      new Proxy(reader, {
        get(target, key) {
          if (key === 'manifest') read.manifests++
          const value: unknown = Reflect.get(target, key)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    const source = { name: 'm', reader: () => counting(mirror.reader()) }
    const { service } = await createRegistry({ mirrors: [source] })
    return { service, subject: subject.digest, read }
  }

  it('reads little further than it is long, however many there are (I8)', async () => {
    const { service, subject, read } = await setup(60)
    const list = await service.listReferrers(APP, subject, { bytes: 100_000 })
    assert.deepEqual([list.manifests.length, list.more], [4, true])
    assert.ok(read.manifests <= 12, `${read.manifests} manifests were read`)
  })

  it('goes on after the last of the one before, and each is listed once', async () => {
    const { service, subject } = await setup(11)
    const whole = await service.listReferrers(APP, subject)
    assert.deepEqual([whole.manifests.length, whole.more], [11, false])
    const seen: string[] = []
    for (let more = true; more;) {
      const list = await service.listReferrers(APP, subject, {
        after: seen.at(-1),
        bytes: 50_000,
      })
      seen.push(...list.manifests.map(({ digest }) => digest))
      more = list.more
    }
    assert.deepEqual(
      seen,
      whole.manifests.map(({ digest }) => digest),
    )
  })

  it('counts only what is wanted, and holds at least one', async () => {
    const { service, subject } = await setup(6)
    const odd = await service.listReferrers(APP, subject, { artifactType: 'text/odd', bytes: 1 })
    assert.deepEqual([odd.manifests.length, odd.more], [1, true])
    assert.equal(odd.manifests[0]?.artifactType, 'text/odd')
  })
})
