import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { loadConfig } from '../../src/config/load.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { KEY, load, problems, scratch } from './support.ts'

/** What an address, or a user, may use up when nothing is said. */
const SHARE = {
  requests: null,
  burst: 200,
  openUploads: 256,
  downloadRate: null,
  uploadRate: null,
}

describe('loading the configuration', () => {
  it('needs no file: the built-in defaults are a lan node', async () => {
    const { config, warnings } = await loadConfig({ env: {}, cwd: '/srv' })
    assert.deepEqual(config, {
      http: {
        addr: { host: '127.0.0.1', port: 5000 },
        hosts: [],
        namespaces: {},
        tls: { certificate: null, key: null, minVersion: 1.2 },
        trustProxy: [],
      },
      storage: {
        path: '/srv/data',
        delete: { enabled: true },
        validation: 'strict',
        cache: null,
      },
      retention: {
        untagged: null,
        tags: [],
        referrers: true,
        history: 7 * 86_400_000,
        commits: 10_000,
        lease: 3_600_000,
      },
      auth: {
        mode: 'open',
        openToAll: false,
        plainHttp: false,
        htpasswd: null,
        token: { realm: null, service: 'heliport', issuer: null, keys: [], lifetime: 300_000 },
      },
      gc: { interval: 86_400_000 },
      scrub: { interval: 30 * 86_400_000, rate: 20 * 1024 * 1024 },
      ipns: { writeKey: 'registry', readOnlyKeys: [], lifetime: 365 * 24 * 3600_000 },
      signatures: [],
      repositories: [],
      keys: { passwordFile: null },
      access: {
        groups: {},
        admins: { users: [], groups: [] },
        policies: [],
        immutableTags: [],
        readOnly: false,
      },
      network: { mode: 'lan', listen: null, peers: [], swarmKey: null },
      limits: {
        blob: 100 * 2 ** 30,
        uploads: null,
        peerRate: null,
        minUploadRate: 512,
        minDownloadRate: 512,
        exempt: [
          { address: '127.0.0.0', prefix: 8 },
          { address: '::1', prefix: 128 },
        ],
        address: { connections: 512, ...SHARE },
        user: SHARE,
      },
      audit: { file: null, maxSize: 64 * 2 ** 20, keep: 10, pulls: false },
      log: { level: 'info', format: 'auto' },
    })
    assert.deepEqual(warnings, [])
  })

  it('gives a configuration that nobody can change', async () => {
    const { config } = await load('http: { hosts: [a.localhost] }')
    assert.throws(() => Object.assign(config.http, { hosts: [] }), TypeError)
    assert.throws(() => (config.http.hosts as string[]).push('b'), TypeError)
  })

  it('takes paths as relative to the file, and in the environment to the working directory', async () => {
    await using directory = await scratch()
    await mkdir(join(directory.path, 'etc'))
    await writeFile(
      join(directory.path, 'etc/c.yaml'),
      'storage: { path: ../d }\nkeys: { passwordFile: pw }\n',
    )
    const read = (env: Record<string, string>) =>
      loadConfig({ file: 'etc/c.yaml', env, cwd: directory.path })
    const { config } = await read({})
    assert.equal(config.storage.path, join(directory.path, 'd'))
    assert.equal(config.keys.passwordFile, join(directory.path, 'etc/pw'))
    const other = await read({ REGISTRY_STORAGE_PATH: 'e', REGISTRY_KEYS: '{"passwordFile":"x"}' })
    assert.equal(other.config.storage.path, join(directory.path, 'e'))
    assert.equal(other.config.keys.passwordFile, join(directory.path, 'x'))
  })

  it('takes a section or a list whose entries are all commented out for an empty one', async () => {
    const { config } = await load(
      'http:\n  #addr: x\nnetwork:\n  peers:\n  listen:\nipns: { readOnlyKeys: }\n',
    )
    assert.equal(config.http.addr.port, 5000)
    assert.deepEqual(config.network.peers, [])
    assert.equal(config.network.listen, null)
    assert.deepEqual(config.ipns.readOnlyKeys, [])
  })

  it('reads sizes in bytes with and without quotes', async () => {
    for (const size of ['1048576', '"1048576"', '1MiB']) {
      assert.equal((await load(`limits: { blob: ${size} }`)).config.limits.blob, 1048576)
    }
  })

  it('carries the password from the environment, and shows it to nobody', async () => {
    const { config } = await load('log: { level: info }', {
      HELIPORT_PASSWORD: 'hunter2-hunter2-hunter2',
    })
    assert.equal(config.keys.password, 'hunter2-hunter2-hunter2')
    for (const dump of [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      JSON.stringify({ ...config.keys }),
    ]) {
      assert.doesNotMatch(dump, /hunter2/)
    }
    assert.equal((await load(undefined, { HELIPORT_PASSWORD: '' })).config.keys.password, undefined)
  })

  it('explains every option', () => {
    const silent = OPTIONS.filter((option) => option.description === '')
    assert.deepEqual(silent, [])
  })
})

describe('environment variables', () => {
  it('win over the file', async () => {
    const file = 'http: { addr: "127.0.0.1:1" }\nlog: { level: warn }'
    const { config } = await load(file, { REGISTRY_HTTP_ADDR: '[::1]:5001' })
    assert.deepEqual(config.http.addr, { host: '::1', port: 5001 })
    assert.equal(config.log.level, 'warn')
  })

  it('exist for every option', () => {
    const names = OPTIONS.map((option) => option.variable)
    for (const name of [
      'HTTP_ADDR',
      'IPNS_READONLYKEYS',
      'STORAGE_DELETE_ENABLED',
      'KEYS_PASSWORDFILE',
      'NETWORK',
    ]) {
      assert.ok(names.includes(`REGISTRY_${name}`), name)
    }
    assert.equal(new Set(names).size, OPTIONS.length)
  })

  it('hold lists with commas, truth values, and null as nothing', async () => {
    const { config } = await load('ipns: { readOnlyKeys: [] }\nhttp: { hosts: [a.localhost] }', {
      REGISTRY_IPNS_READONLYKEYS: `${KEY}, registry.example.com`,
      REGISTRY_IPNS_WRITEKEY: '',
      REGISTRY_NETWORK_MODE: 'public',
      REGISTRY_HTTP_HOSTS: '',
      REGISTRY_STORAGE_DELETE_ENABLED: 'false',
    })
    assert.deepEqual(
      config.ipns.readOnlyKeys.map(({ kind, text }) => ({ kind, text })),
      [
        { kind: 'key', text: KEY },
        { kind: 'dnslink', text: 'registry.example.com' },
      ],
    )
    assert.equal(config.ipns.writeKey, null)
    assert.deepEqual(config.http.hosts, [])
    assert.equal(config.storage.delete.enabled, false)
  })

  it('set a section as JSON, key by key, and the key of its own wins', async () => {
    const { config } = await load('log: { level: warn, format: json }', {
      REGISTRY_STORAGE_DELETE: '{"enabled":false}',
      REGISTRY_STORAGE: '{"path":"/srv/d","delete":{"enabled":true},"validation":"sparse"}',
      REGISTRY_LOG: '{"level":"debug"}',
    })
    assert.deepEqual(config.storage, {
      path: '/srv/d',
      delete: { enabled: false },
      validation: 'sparse',
      cache: null,
    })
    assert.deepEqual(config.log, { level: 'debug', format: 'json' })
  })

  it('only warn when they name no option, because Kubernetes sets such for services', async () => {
    const { warnings } = await load(undefined, {
      REGISTRY_PORT_5000_TCP_ADDR: '10.0.0.1',
      REGISTRY_HTTP_ADR: ':5000',
      PATH: '/bin',
    })
    assert.deepEqual(warnings, [
      'REGISTRY_HTTP_ADR: names no option and is ignored, did you mean REGISTRY_HTTP_ADDR?',
      'REGISTRY_PORT_5000_TCP_ADDR: names no option and is ignored',
    ])
  })

  const wrong: [Record<string, string>, string][] = [
    [
      { REGISTRY_HTTP_ADDR: 'x' },
      'REGISTRY_HTTP_ADDR: is "x": write host:port, like 127.0.0.1:5000',
    ],
    [{ REGISTRY_HTTP_ADDR: '' }, 'REGISTRY_HTTP_ADDR: has no value: give it one, or remove it'],
    [
      { REGISTRY_STORAGE_DELETE_ENABLED: 'yes' },
      'REGISTRY_STORAGE_DELETE_ENABLED: must be true or false',
    ],
    [
      { REGISTRY_LOG: '{"levle":"info"}' },
      'REGISTRY_LOG: log.levle is not an option: did you mean log.level?',
    ],
    [
      { REGISTRY_LOG: '[1]' },
      'REGISTRY_LOG: is a section: write a JSON object, like {"key": "value"}',
    ],
    [
      { REGISTRY_NETWORK_MODE: 'wan' },
      'REGISTRY_NETWORK_MODE: must be public, lan, private or offline',
    ],
  ]
  for (const [env, line] of wrong) {
    it(`are named where they are wrong: ${JSON.stringify(env)}`, async () => {
      assert.deepEqual(await problems(undefined, env), [line])
    })
  }

  it('are named when what is wrong is one entry of a list', async () => {
    const [line] = await problems(undefined, { REGISTRY_IPNS_READONLYKEYS: `${KEY},k51x` })
    assert.match(line ?? '', /^REGISTRY_IPNS_READONLYKEYS: entry 2 is "k51x"/)
  })

  it('are checked even when the file cannot be read', async () => {
    await using directory = await scratch()
    const loading = loadConfig({
      file: 'no.yaml',
      env: { REGISTRY_LOG_LEVEL: 'loud' },
      cwd: directory.path,
    })
    await assert.rejects(loading, {
      message: /^no\.yaml: does not exist.*\nREGISTRY_LOG_LEVEL: must be /s,
    })
  })
})

describe('a configuration file that cannot be read', () => {
  const texts: [string, string | Uint8Array, RegExp][] = [
    ['is empty', '', /^c\.yaml:1:1 is empty/],
    ['is only comments', '# http:\n', /^c\.yaml:1:1 is empty/],
    ['is only null', '---\n~\n', /^c\.yaml:1:1 is empty/],
    ['is a list', '- http', /^c\.yaml:1:1 must be a map/],
    ['is a word', 'http', /^c\.yaml:1:1 must be a map/],
    ['is indented by a tab', 'http:\n\taddr: x', /^c\.yaml:2:1 Tabs are not allowed/],
    ['names a key twice', 'log: {}\nlog: {}', /^c\.yaml:2:1 Map keys must be unique/],
    ['has an alias', 'http: &a {}\nlog: *a', /^c\.yaml:2:6 an alias/],
    ['is a bomb of aliases', bomb(), /an alias \(\*\) is not allowed/],
    ['has two documents', 'log: {}\n---\nlog: {}', /^c\.yaml:2:1 begins a second document/],
    ['has a tag', 'log: !x {}', /^c\.yaml:1:6 Unresolved tag/],
    ['has a key that is a list', '? [a]\n: b', /^c\.yaml:1:3 this key is not text/],
    ['is cut off', 'log: {', /^c\.yaml:1:/],
    ['is not UTF-8', new Uint8Array([0x61, 0xff, 0xfe]), /^c\.yaml: is not UTF-8 text/],
    ['is nested without end', '['.repeat(60_000), /^c\.yaml:1:1 is nested too deeply/],
    ['is large', `log: {} #${'x'.repeat(70_000)}`, /^c\.yaml: is larger than 64 KiB/],
  ]
  for (const [what, text, line] of texts) {
    it(`because it ${what}, is explained in one clear line`, async () => {
      const lines = await problems(text)
      assert.match(lines[0] ?? '', line)
      if (what !== 'is a bomb of aliases') assert.equal(lines.length, 1, lines.join('\n'))
    })
  }

  it('because it is missing, a directory or forbidden, is explained in one clear line', async function () {
    await using directory = await scratch()
    await writeFile(join(directory.path, 'secret.yaml'), 'log: {}')
    await chmod(join(directory.path, 'secret.yaml'), 0)
    const loading = (file: string) => loadConfig({ file, env: {}, cwd: directory.path })
    await assert.rejects(loading('no.yaml'), {
      name: 'ConfigError',
      message: 'no.yaml: does not exist: check the path',
    })
    await assert.rejects(loading('.'), { name: 'ConfigError', message: '.: is a directory' })
    await assert.rejects(loading('a\0b'), { name: 'ConfigError', message: /is not a path/ })
    // The superuser may read everything: only then is the last line not tried.
    if (process.getuid?.() !== 0)
      await assert.rejects(loading('secret.yaml'), { message: /may not be read/ })
  })
})

/** A thousand million entries in nine lines. */
function bomb(): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array<string>(10)
        .fill(`*a${i - 1}`)
        .join()}]`,
    )
  return lines.join('\n')
}
