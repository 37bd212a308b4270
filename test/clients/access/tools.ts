import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { writeLayout } from '../../e2e/support/oci-layout.ts'
import { crane as craneClient } from '../crane.ts'
import { oras as orasClient } from '../oras.ts'
import { skopeo as skopeoClient } from '../skopeo.ts'
import { containersHome } from '../support/containers-home.ts'
import { written } from '../support/content.ts'
import { client } from '../support/go-client.ts'
import { plainImage } from '../support/images.ts'
import { plainHttp } from '../support/transport.ts'
import type { World } from '../client.ts'
import type { Visitor } from './visitor.ts'

let home: Readonly<Record<string, string>> = {}

export const skopeo: Visitor = {
  name: 'skopeo',
  needs: ['skopeo'],
  version: (world) => skopeoClient.version(world),
  async start({ directory }) {
    home = await containersHome(directory)
    await writeLayout(join(directory, 'made'), plainImage('access'))
  },
  async login(world, host, { user, password }) {
    const args = [
      'login',
      ...plainHttp(host, '--tls-verify=false'),
      '-u',
      user,
      '--password-stdin',
      host,
    ]
    await copier(world, args, Buffer.from(password))
  },
  logout: async (world, host) => void (await copier(world, ['logout', host])),
  async push(world, place) {
    const to = `docker://${written(place)}`
    await copier(world, [
      'copy',
      ...plainHttp(place.host, '--dest-tls-verify=false'),
      'oci:made:v1',
      to,
    ])
  },
  async pull(world, place) {
    const from = `docker://${written(place)}`
    const plain = plainHttp(place.host, '--src-tls-verify=false')
    await copier(world, ['copy', ...plain, from, `oci:${randomUUID()}:v1`])
  },
}

function copier(world: World, args: string[], input?: Uint8Array): Promise<string> {
  const { tool, signal, directory: cwd } = world
  return run(tool('skopeo'), args, { env: home, signal, cwd, input })
}

export const crane: Visitor = {
  name: 'crane',
  needs: ['crane'],
  version: (world) => craneClient.version(world),
  believes: true,
  cannot: {
    'token of another service':
      'it asks no token service on loopback but that of the registry itself (against forged realms)',
  },
  start: ({ directory }) => writeLayout(join(directory, 'made'), plainImage('access')),
  async login(world, host, { user, password }) {
    const args = ['auth', 'login', '-u', user, '--password-stdin', host]
    await client(world, 'crane', args, { input: password })
  },
  logout: async (world, host) => void (await client(world, 'crane', ['auth', 'logout', host])),
  push: async (world, place) =>
    void (await client(world, 'crane', ['push', 'made', written(place)])),
  pull: async (world, place) =>
    void (await client(world, 'crane', ['pull', written(place), `${randomUUID()}.tar`])),
}

export const oras: Visitor = {
  name: 'oras',
  needs: ['oras'],
  version: (world) => orasClient.version(world),
  start: ({ directory }) => writeFile(join(directory, 'words.txt'), 'access\n'),
  async login(world, host, { user, password }) {
    const args = ['login', ...plainHttp(host, '--plain-http'), '-u', user, '--password-stdin', host]
    await client(world, 'oras', args, { input: password })
  },
  logout: async (world, host) => void (await client(world, 'oras', ['logout', host])),
  async push(world, place) {
    const plain = plainHttp(place.host, '--plain-http')
    await client(world, 'oras', ['push', ...plain, written(place), 'words.txt:text/plain'])
  },
  async pull(world, place) {
    const plain = plainHttp(place.host, '--plain-http')
    await client(world, 'oras', ['pull', ...plain, '-o', randomUUID(), written(place)])
  },
}
