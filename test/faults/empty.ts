import type { RegistryClient } from '../support/client.ts'

/** Deletes all repositories. @throws when one is refused */
export async function emptyRegistry(client: RegistryClient): Promise<void> {
  const { repositories } = (await client.expect(200, 'GET', '/v2/_catalog')).json() as {
    repositories: string[]
  }
  for (const name of repositories)
    await client.expect(202, 'DELETE', `/v2/${name}/_heliport/repository`)
}
