import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { ConfigError, loadConfig } from '../../src/config/load.ts'
import { scratch } from './support.ts'

describe('configuration: who asks', () => {
  const load = async (config: object) => {
    await using cwd = await scratch()
    await writeFile(join(cwd.path, 'c.yaml'), stringify(config))
    return (await loadConfig({ file: 'c.yaml', env: {}, cwd: cwd.path })).config
  }

  const named = { http: { hosts: ['localhost', 'registry.example'] } }
  const proxied = { http: { trustProxy: ['127.0.0.1'] } }
  const beyond = { http: { addr: '0.0.0.0:5000' } }

  const good: [string, object][] = [
    ['open on loopback', {}],
    ['open on IPv6 loopback', { http: { addr: '[::1]:5000' } }],
    ['open to all, where that is said', { ...beyond, auth: { openToAll: true } }],
    ['open under names of this machine', { http: { hosts: ['localhost', 'hub.localhost'] } }],
    ['open behind a proxy, where that is said', { ...proxied, auth: { openToAll: true } }],
    [
      'users behind a proxy',
      { http: { ...proxied.http, ...named.http }, auth: { mode: 'htpasswd', htpasswd: 'users' } },
    ],
    ['htpasswd on loopback', { auth: { mode: 'htpasswd', htpasswd: 'users' } }],
    ['tokens of our own', { auth: { mode: 'token', htpasswd: 'users' } }],
    [
      'users anywhere, over TLS',
      {
        http: { ...beyond.http, tls: { certificate: 'c.pem', key: 'k.pem' } },
        auth: { mode: 'htpasswd', htpasswd: 'users' },
      },
    ],
    [
      'users anywhere, behind a proxy',
      { http: { ...beyond.http, ...proxied.http }, auth: { mode: 'token', htpasswd: 'users' } },
    ],
    [
      'users anywhere over plain HTTP, where that is said',
      { ...beyond, auth: { mode: 'htpasswd', htpasswd: 'users', plainHttp: true } },
    ],
    [
      'tokens of another service',
      {
        auth: {
          mode: 'token',
          token: { realm: 'https://a.example/t', issuer: 'a', keys: ['k.pem'] },
        },
      },
    ],
  ]
  for (const [what, config] of good) it(`takes ${what}`, () => load(config).then(() => undefined))

  it('makes paths relative to the file', async () => {
    const { auth } = await load({ auth: { mode: 'htpasswd', htpasswd: 'users' } })
    assert.match(auth.htpasswd ?? '', /^\/.*\/users$/)
  })

  const bad: [string, object, RegExp][] = [
    ['open to others', beyond, /c\.yaml:2:\d+ http\.addr: .*everybody.*auth\.openToAll/],
    [
      'open under a name for others',
      named,
      /^c\.yaml:4:\d+ http\.hosts\.2: is registry\.example, .*everybody.*auth\.openToAll to true$/,
    ],
    [
      'open behind a proxy',
      proxied,
      /c\.yaml:2:\d+ http\.trustProxy: .*everybody.*auth\.openToAll/,
    ],
    [
      'passwords over plain HTTP from elsewhere',
      { ...beyond, auth: { mode: 'htpasswd', htpasswd: 'users' } },
      /^c\.yaml:2:\d+ http\.addr: is 0\.0\.0\.0, .*plain HTTP.*http\.tls.*http\.trustProxy.*auth\.plainHttp to true$/,
    ],
    [
      'tokens over plain HTTP from elsewhere',
      { http: { addr: '[::]:5000' }, auth: { mode: 'token', htpasswd: 'users' } },
      /http\.addr: .*auth\.plainHttp/,
    ],
    [
      'tokens of another service over plain HTTP from elsewhere',
      {
        http: { addr: 'registry.example:5000' },
        auth: {
          mode: 'token',
          token: { realm: 'https://a.example/t', issuer: 'a', keys: ['k.pem'] },
        },
      },
      /http\.addr: .*auth\.plainHttp/,
    ],
    ['open with users', { auth: { htpasswd: 'users' } }, /auth\.htpasswd: is not asked/],
    [
      'htpasswd without users',
      { auth: { mode: 'htpasswd' } },
      /auth\.htpasswd: is null.*heliport user add/,
    ],
    [
      'keys without a realm',
      { auth: { mode: 'token', token: { issuer: 'a', keys: ['k'] } } },
      /no realm/,
    ],
    [
      'keys without an issuer',
      { auth: { mode: 'token', token: { realm: 'https://a', keys: ['k'] } } },
      /no issuer/,
    ],
    [
      'keys and users',
      {
        auth: {
          mode: 'token',
          htpasswd: 'u',
          token: { realm: 'https://a', issuer: 'a', keys: ['k'] },
        },
      },
      /remove one/,
    ],
    [
      'administrators whom another token service knows',
      {
        auth: { mode: 'token', token: { realm: 'https://a', issuer: 'a', keys: ['k'] } },
        access: { admins: { groups: ['ops'] } },
      },
      /c\.yaml:\d+:\d+ access\.admins: .*another token service/,
    ],
    [
      'an issuer without keys',
      { auth: { mode: 'token', htpasswd: 'u', token: { issuer: 'a' } } },
      /no keys/,
    ],
    [
      'a realm that is no URL',
      { auth: { token: { realm: 'a.example' } } },
      /auth\.token\.realm.*whole URL/,
    ],
    ['a realm with a quote', { auth: { token: { realm: 'https://a/"x' } } }, /auth\.token\.realm/],
    ['a service with a quote', { auth: { token: { service: 'a"b' } } }, /auth\.token\.service/],
    ['a token for ever', { auth: { token: { lifetime: '2d' } } }, /auth\.token\.lifetime/],
  ]
  for (const [what, config, message] of bad) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(load(config), (error) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.message, message)
        return true
      })
    })
  }
})
