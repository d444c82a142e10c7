import { ADMIN_REQUESTS } from './k6/admin-requests.ts'
import { callAdmin } from './k6/admin.ts'
import { counted } from './k6/outcome.ts'
import { optionsOf, readSetting } from './k6/setting.ts'
import type { AdminRequestsTarget } from './k6/targets.ts'

const setting = readSetting<AdminRequestsTarget>()
export const options = optionsOf(setting)

const { admin, ...subjects } = setting.target

export default function (): void {
  const { outcome, query, variables } = ADMIN_REQUESTS[(__VU + __ITER) % ADMIN_REQUESTS.length]!
  counted(outcome, () => {
    callAdmin(admin, query, variables(subjects, `${setting.stageId}-${__VU}-${__ITER}`))
    return outcome
  })
}
