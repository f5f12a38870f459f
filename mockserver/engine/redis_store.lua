-- The state of one mock server in Redis. ARGV: the prefix of all keys, the name of a function, its arguments.
--
-- version            Number of the last change; every change of a document gets the next one.
-- documents          JSON of the settings, by scope: an appkey, or * for all apps.
-- versions           By scope: the change that wrote the document.
-- latest             By scope: the last change of the document or clearing of the journal. Older requests are handled again.
-- used               Apps created at run time, by the time of their last use.
-- number, ids        The last position in the journal; position and stream of each entry, by request id.
-- journal:STREAM     The entries of one kind and app; sizes has the bytes by stream, evicted:STREAM what was evicted.
-- metrics            Counts and microseconds by class of request.
-- clears             Number of times the journal, or a part of it, was cleared.
-- seen:…, counts:…   The claims of an app, and the number of matches of its rules and faults.
-- done:…             Results of claims, so that a claim that is sent twice counts once.
local P = ARGV[1]
local call, format = redis.call, string.format

local function text(number) return format('%.0f', number) end

-- Return whether a request of a scope was handled with outdated documents, or the state is gone.
local function stale(scope, version)
  local found = call('HMGET', P .. 'latest', '*', scope)
  return not found[1] or tonumber(version) < math.max(tonumber(found[1]), tonumber(found[2] or 0))
end

local function set_version(scope, version)
  call('HSET', P .. 'versions', scope, version)
  call('HSET', P .. 'latest', scope, version)
end

-- Remove the oldest entries of a stream.
local function evict(stream, count)
  local key = P .. 'journal:' .. stream
  local found, size, newest = call('XRANGE', key, '-', '+', 'COUNT', count), 0, nil
  if #found == 0 then return 0 end
  for _, entry in ipairs(found) do
    local fields = entry[2]
    call('HDEL', P .. 'ids', fields[2])
    size = size + #fields[6] + #fields[8] + 400
    if not newest or tonumber(fields[4]) > tonumber(newest) then newest = fields[4] end
  end
  call('XTRIM', key, 'MAXLEN', call('XLEN', key) - #found)
  call('INCRBY', P .. 'bytes', -size)
  call('ZINCRBY', P .. 'sizes', -size, stream)
  return #found, newest
end

local function evict_counted(stream, count)
  local removed, newest = evict(stream, count)
  local key = P .. 'evicted:' .. stream
  call('HINCRBY', key, 'count', removed)
  local before = call('HGET', key, 'until')
  if newest and (not before or tonumber(newest) > tonumber(before)) then call('HSET', key, 'until', newest) end
  call('HINCRBY', P .. 'metrics', 'evictions', removed)
  return removed
end

-- Evict the entries over the limits of one stream.
local function limit(stream, size, max_entries, max_bytes)
  local excess = call('XLEN', P .. 'journal:' .. stream) - max_entries
  -- Many at once, because reading the oldest entries is slow.
  if excess > math.min(100, max_entries / 100) then evict_counted(stream, excess) end
  while size > max_bytes and evict_counted(stream, 10) > 0 do
    size = tonumber(call('ZSCORE', P .. 'sizes', stream))
  end
end

local function clear(stream)
  local removed = 0
  repeat
    local count = evict(stream, 500)
    removed = removed + count
  until count == 0
  call('DEL', P .. 'journal:' .. stream, P .. 'evicted:' .. stream)
  call('ZREM', P .. 'sizes', stream)
  return removed
end

local F = {}

-- Return the version, all scopes, and the documents that are newer than `have`.
function F.read(have)
  local version = call('GET', P .. 'version')
  if not version or not call('HGET', P .. 'versions', '*') then return {} end
  local scopes, changed = {}, {}
  local found = call('HGETALL', P .. 'versions')
  for i = 1, #found, 2 do
    scopes[#scopes + 1] = found[i]
    if tonumber(found[i + 1]) > tonumber(have) then
      changed[#changed + 1] = found[i]
      changed[#changed + 1] = call('HGET', P .. 'documents', found[i])
    end
  end
  return {version, scopes, changed}
end

-- Create the state, unless there is one.
function F.create(document, version, salt)
  if call('HSETNX', P .. 'versions', '*', version) == 1 then
    call('SET', P .. 'version', version)
    call('HSET', P .. 'latest', '*', version)
    call('HSET', P .. 'documents', '*', document)
    call('SETNX', P .. 'salt', salt)
    -- Positions grow even if the state was lost, because processes remember up to where they have read.
    if tonumber(call('GET', P .. 'number') or 0) < tonumber(version) then call('SET', P .. 'number', version) end
  end
end

-- Write documents (scope, JSON or empty to remove, 1 if the app was created at run time) unless one has changed since `have`.
-- Return the new version, or 0. Executed once per name.
function F.write(name, have, now, ...)
  local given, before = {...}, call('GET', P .. 'done:' .. name)
  if before then return before end
  for i = 1, #given, 3 do
    for _, version in ipairs(call('HMGET', P .. 'versions', '*', given[i])) do
      if version and tonumber(version) > tonumber(have) then return 0 end
    end
  end
  local version = text(call('INCR', P .. 'version'))
  for i = 1, #given, 3 do
    local scope, document, made = given[i], given[i + 1], given[i + 2]
    if document == '' then
      call('HDEL', P .. 'documents', scope)
      call('HDEL', P .. 'versions', scope)
      call('HDEL', P .. 'latest', scope)
      call('ZREM', P .. 'used', scope)
    else
      call('HSET', P .. 'documents', scope, document)
      set_version(scope, version)
      if made == '1' then call('ZADD', P .. 'used', now, scope) end
    end
  end
  call('SET', P .. 'done:' .. name, version, 'EX', 120)
  return version
end

-- Add entries (stream, version, id, at, short fields, data, class, microseconds). Return 1 for each that is there, 0 if stale.
function F.add(max_entries, max_bytes, max_all, now, ...)
  local rows, wanted, results, ids, counts, micros, sizes, outdated = {...}, {}, {}, {}, {}, {}, {}, {}
  for i = 3, #rows, 8 do wanted[#wanted + 1] = rows[i] end
  local known = call('HMGET', P .. 'ids', unpack(wanted))
  local number, bytes = call('INCRBY', P .. 'number', #wanted) - #wanted, 0
  for i, id in ipairs(wanted) do
    local at = 8 * i - 7
    local stream, fields, data, class = rows[at], rows[at + 4], rows[at + 5], rows[at + 6]
    if outdated[stream] == nil then
      local app = stream:match(':(.*)$')
      local newest = call('HMGET', P .. 'latest', '*', app)
      outdated[stream] = newest[1] and math.max(tonumber(newest[1]), tonumber(newest[2] or 0)) or math.huge
      call('ZADD', P .. 'used', 'XX', now, app)
    end
    number = number + 1
    results[i] = (known[i] or tonumber(rows[at + 1]) >= outdated[stream]) and 1 or 0
    if results[i] == 1 and not known[i] then
      local position = text(number)
      call('XADD', P .. 'journal:' .. stream, position .. '-0', 'i', id, 'a', rows[at + 3], 'f', fields, 'd', data)
      ids[#ids + 1] = id
      ids[#ids + 1] = position .. ' ' .. stream
      sizes[stream] = (sizes[stream] or 0) + #fields + #data + 400
      counts[class] = (counts[class] or 0) + 1
      micros[class] = (micros[class] or 0) + tonumber(rows[at + 7])
    end
  end
  if #ids == 0 then return results end
  call('HSET', P .. 'ids', unpack(ids))
  for class, count in pairs(counts) do
    call('HINCRBY', P .. 'metrics', 'n' .. class, count)
    call('HINCRBY', P .. 'metrics', 't' .. class, text(micros[class]))
  end
  for stream, size in pairs(sizes) do
    bytes = bytes + size
    limit(stream, tonumber(call('ZINCRBY', P .. 'sizes', size, stream)), tonumber(max_entries), tonumber(max_bytes))
  end
  local all = call('INCRBY', P .. 'bytes', text(bytes))
  while all > tonumber(max_all) and evict_counted(call('ZREVRANGE', P .. 'sizes', 0, 0)[1], 10) > 0 do
    all = tonumber(call('GET', P .. 'bytes'))
  end
  return results
end

-- Read a stream from a position: return the number and time of evicted entries, the first position, and the entries.
function F.entries(stream, first, limit)
  local key = P .. 'journal:' .. stream
  local oldest, evicted = call('XRANGE', key, '-', '+', 'COUNT', 1), call('HMGET', P .. 'evicted:' .. stream, 'count', 'until')
  return {evicted[1], evicted[2], oldest[1] and oldest[1][1], call('XRANGE', key, first .. '-0', '+', 'COUNT', limit)}
end

-- Clear the journal of an app, or all of it for *. Return the number of requests removed.
function F.clear(scope)
  local removed = 0
  for _, stream in ipairs(call('ZRANGE', P .. 'sizes', 0, -1)) do
    local kind, app = stream:match('^(%l+):(.*)$')
    if scope == '*' or app == scope then
      local count = clear(stream)
      if kind == 'request' then removed = removed + count end
    end
  end
  call('INCR', P .. 'clears')
  call('HSET', P .. 'latest', scope, text(call('INCR', P .. 'version')))
  return removed
end

-- Remove the apps created at run time that were not used since `before`.
function F.expire(before)
  local expired = call('ZRANGEBYSCORE', P .. 'used', '-inf', '(' .. before)
  for _, app in ipairs(expired) do
    for _, kind in ipairs({'request', 'stray'}) do
      if call('ZSCORE', P .. 'sizes', kind .. ':' .. app) then clear(kind .. ':' .. app) end
    end
    call('HDEL', P .. 'documents', app)
    call('HDEL', P .. 'versions', app)
    call('HDEL', P .. 'latest', app)
    call('ZREM', P .. 'used', app)
  end
  if #expired > 0 then set_version('*', text(call('INCR', P .. 'version'))) end
  return #expired
end

local C = {}

-- Return whether a value is new among the newest `max`.
function C.once(key, value, max)
  if call('HSETNX', key, value, 1) == 0 then return 0 end
  call('RPUSH', key .. ':order', value)
  if call('LLEN', key .. ':order') > tonumber(max) then call('HDEL', key, call('LPOP', key .. ':order')) end
  return 1, key .. ':order'
end

-- Return the count before this one, or -1, without counting, once there are `limit`.
function C.count(key, field, limit)
  local count = tonumber(call('HGET', key, field) or 0)
  if limit ~= '' and count >= tonumber(limit) then return -1 end
  call('HINCRBY', key, field, 1)
  return count
end

-- Count a matching request of a fault. Return its number if the fault fires (or may fire, before the draw), else 0.
function C.fault(key, uid, after, every, times, certain)
  local matched = call('HINCRBY', key, uid .. ':matched', 1)
  local past = matched - tonumber(after)
  if past <= 0 or past % tonumber(every) ~= 0 then return 0 end
  if certain == '0' then return matched end
  return C.count(key, uid .. ':fired', times) >= 0 and matched or 0
end

-- Return whether a request is accepted in a sliding window.
function C.window(key, now, limit, seconds)
  now = tonumber(now)
  local last = call('LINDEX', key, -1)
  if last and tonumber(last) - now > 1 then call('DEL', key) end
  local first = call('LINDEX', key, 0)
  while first and tonumber(first) <= now - tonumber(seconds) do
    call('LPOP', key)
    first = call('LINDEX', key, 0)
  end
  if call('LLEN', key) >= tonumber(limit) then return 0 end
  call('RPUSH', key, format('%.6f', now))
  return 1
end

-- Return the value of the first caller.
function C.first(key, field, value)
  call('HSETNX', key, field, value)
  return call('HGET', key, field)
end

-- Make a decision once for a request and `name`; a repetition returns the same result. Return false if the request is stale.
function F.claim(scope, version, name, seconds, kind, key, ...)
  local done = P .. 'done:' .. name
  local before = call('GET', done)
  if before then return before end
  if stale(scope, version) then return false end
  local result, other = C[kind](P .. key, ...)
  call('EXPIRE', P .. key, seconds)
  if other then call('EXPIRE', other, seconds) end
  call('SET', done, result, 'EX', 120)
  return tostring(result)
end

return F[ARGV[2]](unpack(ARGV, 3))
