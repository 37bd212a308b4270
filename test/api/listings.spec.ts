import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { MANIFEST_MAX_BYTES } from '../../src/oci/manifest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const TYPE = 'application/vnd.oci.image.manifest.v1+json'

describe('api: listings', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
    for (let i = 0; i < 1005; i++) {
      const tag = `t${String(i).padStart(4, '0')}`
      api.service.repository('many').tags.set(tag, digestOf(Buffer.from('x')))
    }
    for (const tag of ['v2', 'v1', 'V1', 'latest', 'v10']) {
      api.service.repository('few/tags').tags.set(tag, digestOf(Buffer.from('x')))
    }
  })
  after(() => api.close())

  const next = (link: string | undefined) => /^<(\/v2\/[^>]+)>; rel="next"$/.exec(link ?? '')?.[1]

  async function all(path: string): Promise<string[]> {
    const names: string[] = []
    for (let at: string | undefined = path; at !== undefined;) {
      const answer = await api.call('GET', at)
      const body = answer.json() as { tags?: string[]; repositories?: string[] }
      names.push(...(body.tags ?? body.repositories ?? []))
      at = next(answer.headers['link'] as string | undefined)
    }
    return names
  }

  it('gives tags in ASCII order, in pages of any size, each exactly once', async () => {
    const tags = ['V1', 'latest', 'v1', 'v10', 'v2']
    for (const query of ['', '?n=1', '?n=2', '?n=5', '?n=100', '?last=']) {
      assert.deepEqual(await all(`/v2/few/tags/tags/list${query}`), tags, query)
    }
  })

  it('gives at most 1000 at once, with a link to the rest', async () => {
    for (const query of ['', '?n=1000000000', '?n=9223372036854775807', '?n=1000']) {
      const answer = await api.call('GET', `/v2/many/tags/list${query}`)
      assert.equal((answer.json() as { tags: string[] }).tags.length, 1000, query)
      assert.equal(next(answer.headers['link'] as string), '/v2/many/tags/list?n=1000&last=t0999')
    }
    assert.equal((await all('/v2/many/tags/list')).length, 1005)
  })

  it('gives none for n=0, without a link, but still knows the repository', async () => {
    const answer = await api.call('GET', '/v2/many/tags/list?n=0')
    assert.deepEqual(answer.json(), { name: 'many', tags: [] })
    assert.equal(answer.headers['link'], undefined)
    assert.equal((await api.call('GET', '/v2/nope/tags/list?n=0')).code(), 'NAME_UNKNOWN')
  })

  for (const n of [
    '-1',
    'abc',
    '',
    '18446744073709551616',
    '1e3',
    '+1',
    '1&n=2',
    '%31%00',
    '1.5',
  ]) {
    it(`refuses n=${n}`, async () => {
      for (const path of ['/v2/many/tags/list', '/v2/_catalog']) {
        const answer = await api.call('GET', `${path}?n=${n}`)
        assert.deepEqual([answer.status, answer.code()], [400, 'PAGINATION_NUMBER_INVALID'])
      }
    })
  }

  it('begins after any last, be it a tag or not', async () => {
    for (const [last, first] of [
      ['t0003', 't0004'],
      ['t0003x', 't0004'],
      ['%00', 't0000'],
      ['../..', 't0000'],
      ['zzz', undefined],
      ['t'.repeat(10_000), undefined],
    ] as const) {
      const answer = await api.call('GET', `/v2/many/tags/list?n=1&last=${last}`)
      assert.equal((answer.json() as { tags: string[] }).tags[0], first, last)
    }
  })

  it('lists repositories in pages', async () => {
    assert.deepEqual(await all('/v2/_catalog'), ['few/tags', 'many'])
    const page = await api.call('GET', '/v2/_catalog?n=1')
    assert.deepEqual(page.json(), { repositories: ['few/tags'] })
    assert.equal(next(page.headers['link'] as string), '/v2/_catalog?n=1&last=few%2Ftags')
    assert.deepEqual(await all('/v2/_catalog?n=1'), ['few/tags', 'many'])
  })

  describe('of referrers', () => {
    const subject = digestOf(Buffer.from('subject'))
    const path = `/v2/r/referrers/${subject}`
    const sign = (artifactType: string, note: string) =>
      api.call('PUT', `/v2/r/manifests/${artifactType.split('/').at(-1)}-${note.length}`, {
        body: JSON.stringify({
          mediaType: TYPE,
          artifactType,
          subject: { digest: subject },
          annotations: { note },
        }),
      })

    it('gives an empty index for a subject or repository that nobody knows', async () => {
      for (const at of [path, `/v2/nope/referrers/${subject}`]) {
        const answer = await api.call('GET', at)
        assert.equal(answer.status, 200)
        assert.equal(answer.headers['content-type'], INDEX)
        assert.deepEqual(answer.json(), { schemaVersion: 2, mediaType: INDEX, manifests: [] })
        assert.equal(answer.headers['oci-filters-applied'], undefined)
      }
    })

    it('gives descriptors, and says when it has filtered', async () => {
      await sign('application/vnd.sig', 'a')
      await sign('application/vnd.sbom', 'b')
      assert.equal(((await api.call('GET', path)).json() as { manifests: [] }).manifests.length, 2)
      const type = encodeURIComponent('application/vnd.sig')
      const answer = await api.call('GET', `${path}?artifactType=${type}`)
      assert.equal(answer.headers['oci-filters-applied'], 'artifactType')
      const { manifests } = answer.json() as { manifests: Record<string, unknown>[] }
      assert.deepEqual(
        manifests.map(({ mediaType, artifactType, annotations }) => [
          mediaType,
          artifactType,
          annotations,
        ]),
        [[TYPE, 'application/vnd.sig', { note: 'a' }]],
      )
      const long = await api.call('GET', `${path}?artifactType=${'x'.repeat(10_000)}`)
      assert.deepEqual([long.status, long.headers['oci-filters-applied']], [200, 'artifactType'])
    })

    it('gives no more at once than a client takes as one manifest, however full the page is', async () => {
      const [small, path] = [await startApi(), `/v2/r/referrers/${subject}`]
      const put = (note: string) =>
        small.call('PUT', `/v2/r/manifests/t${note.length}`, {
          body: JSON.stringify({
            mediaType: TYPE,
            subject: { digest: subject },
            annotations: { note },
          }),
        })
      try {
        const length = async () => (await small.call('GET', path)).body.length
        const around = await length()
        await put('x'.repeat(2_000_000))
        const one = await length()
        const fields = one - around - 2_000_000
        // Both descriptors together would have room, but not what stands around them.
        await put('x'.repeat(MANIFEST_MAX_BYTES - one - fields + Math.floor(around / 2)))
        for (let at: string | undefined = path; at !== undefined;) {
          const answer = await small.call('GET', at)
          assert.ok(answer.body.length <= MANIFEST_MAX_BYTES, `${answer.body.length} bytes`)
          at = next(answer.headers['link'] as string | undefined)
        }
      } finally {
        await small.close()
      }
    })

    it('gives the rest on further pages', async () => {
      for (let i = 0; i < 3; i++) await sign('application/vnd.big', 'x'.repeat(2_000_000 + i))
      let count = 0
      let pages = 0
      for (let at: string | undefined = `${path}?artifactType=application/vnd.big`; at; pages++) {
        const answer = await api.call('GET', at)
        assert.ok(answer.body.length <= MANIFEST_MAX_BYTES)
        count += (answer.json() as { manifests: [] }).manifests.length
        at = next(answer.headers['link'] as string | undefined)
      }
      assert.deepEqual([count, pages], [3, 2])
    })
  })
})
