import { RegistryError } from '../oci/errors.ts'
import { AllowedReader } from './allowed.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { OverlayReader } from './overlay-reader.ts'
import type { Abortable, Asked, NamePage, Page } from './ports.ts'

/** Most names on one page, whatever was asked for; the rest is behind `Link` (Distribution's catalog does the same). */
const PAGE_MAX = 1000

/** @throws RegistryError NAME_UNKNOWN */
export async function listTags(
  reader: OverlayReader,
  name: RepositoryName,
  page: Page & Abortable,
): Promise<NamePage> {
  return listPage(reader, page, async (which) => {
    const tags = await reader.tags(name, which)
    if (tags === undefined) throw new RegistryError('NAME_UNKNOWN', { detail: { name } })
    return tags
  })
}

/** Repositories of our own tree and of all mirrors that the caller may see. */
export async function listRepositories(
  reader: OverlayReader,
  { by, ...page }: Page & Asked,
): Promise<NamePage> {
  const view = by?.view
  if (view === undefined) return listPage(reader, page, (which) => reader.repositories(which))
  const size = Math.min(page.limit ?? PAGE_MAX, PAGE_MAX)
  const seen = new AllowedReader(reader, view)
  const { names, stoppedAt } = await seen.repositoryPage({ ...page, limit: size + 1 })
  const more = size > 0 && names.length > size
  return { names: names.slice(0, size), more, stoppedAt, notices: reader.notices }
}

/** Asks for one name more than the page takes, to know whether there are more. */
async function listPage(
  reader: OverlayReader,
  { limit = PAGE_MAX, ...rest }: Page & Abortable,
  list: (which: Page & Abortable) => Promise<string[]>,
): Promise<NamePage> {
  const size = Math.min(limit, PAGE_MAX)
  const names = await list({ ...rest, limit: size + 1 })
  // A page of none ends the listing: there is no name after which the next one could begin.
  const more = size > 0 && names.length > size
  return { names: names.slice(0, size), more, notices: reader.notices }
}
