import type { FieldMetadata } from '@conform-to/react'
import { FieldError, Input, Label, Text, TextArea, TextField as AriaTextField } from 'react-aria-components'
import type { ReactNode } from 'react'

const INPUT =
  'w-full rounded border border-field-line bg-surface px-3 py-2 text-ink placeholder:text-muted user-invalid:border-bad aria-invalid:border-bad disabled:bg-raised disabled:text-muted read-only:bg-raised'

interface FieldProps {
  /** The field of a form, as `useNodeForm` gives it. */
  field: FieldMetadata<string, Record<string, string>, string[]>
  label: string
  help?: ReactNode
  isDisabled?: boolean
}

/** A line, or with `rows` a box, of text: its name, help and fault are tied to it for screen readers. */
export function TextField({
  field,
  label,
  help,
  isDisabled = false,
  isReadOnly = false,
  type = 'text',
  rows,
  inputMode,
  step,
  autoComplete = 'off'
}: FieldProps & {
  isReadOnly?: boolean
  type?: 'text' | 'email' | 'password' | 'url' | 'datetime-local'
  rows?: number
  inputMode?: 'decimal' | 'numeric'
  /** Of a date and time: 1 shows seconds, too. */
  step?: number
  autoComplete?: string
}) {
  return (
    <AriaTextField
      key={field.key}
      id={field.id}
      name={field.name}
      type={type}
      defaultValue={field.initialValue ?? ''}
      isRequired={field.required === true}
      isInvalid={field.errors !== undefined}
      isDisabled={isDisabled}
      isReadOnly={isReadOnly}
      validationBehavior="aria"
      autoComplete={autoComplete}
      {...(inputMode !== undefined && { inputMode })}
      className="flex flex-col gap-1"
    >
      <FieldLabel label={label} isRequired={field.required === true} />
      {rows === undefined ? (
        <Input className={INPUT} {...(step !== undefined && { step })} />
      ) : (
        <TextArea rows={rows} className={INPUT} />
      )}
      {help !== undefined && (
        <Text slot="description" className="text-sm text-muted">
          {help}
        </Text>
      )}
      <FieldError className="text-sm font-medium text-bad">{field.errors?.join(' ')}</FieldError>
    </AriaTextField>
  )
}

function FieldLabel({ label, isRequired }: { label: string; isRequired: boolean }) {
  return (
    <Label className="font-medium">
      {label}
      {isRequired && (
        <span className="font-normal text-muted" aria-hidden="true">
          {' '}
          (required)
        </span>
      )}
    </Label>
  )
}

/** A choice among options. The browser's own, so that it works without JavaScript and with any keyboard. */
export function SelectField({
  field,
  label,
  help,
  isDisabled = false,
  options,
  emptyOption
}: FieldProps & {
  options: readonly { value: string; label: string }[]
  /** What stands for having chosen nothing. */
  emptyOption?: string
}) {
  const helpId = `${field.id}-help`
  const errorId = `${field.id}-fault`
  const describedBy = [help !== undefined && helpId, field.errors !== undefined && errorId]
    .filter(Boolean)
    .join(' ')
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={field.id} className="font-medium">
        {label}
        {field.required === true && (
          <span className="font-normal text-muted" aria-hidden="true">
            {' '}
            (required)
          </span>
        )}
      </label>
      <select
        key={field.key}
        id={field.id}
        name={field.name}
        defaultValue={field.initialValue ?? ''}
        required={field.required === true}
        disabled={isDisabled}
        aria-invalid={field.errors !== undefined || undefined}
        aria-describedby={describedBy || undefined}
        className={INPUT}
      >
        {emptyOption !== undefined && <option value="">{emptyOption}</option>}
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {help !== undefined && (
        <p id={helpId} className="text-sm text-muted">
          {help}
        </p>
      )}
      {field.errors !== undefined && (
        <p id={errorId} className="text-sm font-medium text-bad">
          {field.errors.join(' ')}
        </p>
      )}
    </div>
  )
}
