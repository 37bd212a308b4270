import assert from 'node:assert/strict'
import { load, problems } from './support.ts'

describe('http.namespaces', () => {
  const read = async (yaml: string | undefined, env: Record<string, string> = {}) =>
    (await load(yaml, env)).config.http.namespaces

  it('is a map of hosts, in lower case, to beginnings of names', async () => {
    assert.deepEqual(
      await read('http:\n  namespaces:\n    Docker.IO: docker.io\n    "r.example:5000": a/b\n'),
      { 'docker.io': 'docker.io', 'r.example:5000': 'a/b' },
    )
  })

  it('is empty when all its lines are comments', async () => {
    assert.deepEqual(await read('http:\n  namespaces:\n    # docker.io: docker.io\n'), {})
  })

  it('is JSON in the environment, and takes the place of the whole map', async () => {
    const file = 'http: { hosts: [a.localhost], namespaces: { quay.io: quay.io } }'
    const json = '{"docker.io":"docker.io"}'
    assert.deepEqual(await read(file, { REGISTRY_HTTP_NAMESPACES: json }), JSON.parse(json))
    const both = await load(file, { REGISTRY_HTTP: `{"namespaces":${json}}` })
    assert.deepEqual(both.config.http.namespaces, JSON.parse(json))
    assert.deepEqual(both.config.http.hosts, ['a.localhost'])
    assert.deepEqual(await read(file, { REGISTRY_HTTP_NAMESPACES: '' }), {})
  })

  it('may keep one of them at the top', async () => {
    assert.deepEqual(await read('http: { namespaces: { docker.io: "" } }'), { 'docker.io': '' })
  })

  it('may keep two of them in one place, for one registry of two names', async () => {
    await read('http: { namespaces: { docker.io: d, registry-1.docker.io: d } }')
  })

  const wrong: [string, string][] = [
    ['{ docker.io: 1 }', 'c.yaml:1:34 http.namespaces.docker.io: must be text, not a number'],
    ['{ docker.io: }', 'c.yaml:1:34 http.namespaces.docker.io: has no value'],
    ['[docker.io]', 'c.yaml:1:21 http.namespaces: must be a section'],
    ['docker.io', 'c.yaml:1:21 http.namespaces: must be a section'],
    ['{ "https://docker.io": d }', 'http.namespaces.https://docker.io: is not a host like'],
    ['{ docker.io: Docker }', 'http.namespaces.docker.io: is "Docker", not the beginning of'],
    ['{ docker.io: a, Docker.io: b }', 'http.namespaces.Docker.io: is there twice'],
    ['{ docker.io: a, quay.io: a/b }', 'http.namespaces.quay.io: is kept inside of docker.io'],
    ['{ quay.io: q, docker.io: "" }', 'http.namespaces.quay.io: is kept inside of docker.io'],
  ]
  for (const [value, expected] of wrong) {
    it(`is refused as ${value}`, async () => {
      const lines = await problems(`http: { namespaces: ${value} }`)
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.ok(lines[0]?.includes(expected), lines[0])
    })
  }

  it('names the variable that is wrong', async () => {
    assert.deepEqual(await problems(undefined, { REGISTRY_HTTP_NAMESPACES: '{"docker.io":"A"}' }), [
      `REGISTRY_HTTP_NAMESPACES: entry docker.io is "A", not the beginning of a repository's name: write it like docker.io or mirror/docker`,
    ])
    const [line] = await problems(undefined, { REGISTRY_HTTP_NAMESPACES: 'docker.io' })
    assert.match(line ?? '', /^REGISTRY_HTTP_NAMESPACES: is not JSON .*write an object/)
  })
})
