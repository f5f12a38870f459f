-- The state of one mock in Redis. ARGV: the prefix of all keys, the name of a function, its arguments.
--
-- version            Number of the last change; every change of a document gets the next one.
-- documents          JSON of what was chosen, by scope: an appkey, or * for all apps.
-- versions, fences   By scope: the change that wrote the document, and the one that cleared the journal.
-- used               Apps created at run time, by the time of their last use.
-- number, ids        The last position in the journal; position and stream of each entry, by request id.
-- journal:STREAM     The entries of one kind and app; sizes has the bytes by stream, evicted:STREAM what was evicted.
-- metrics            Counts and microseconds by class of request.
-- seen:…, counts:…   What an app has sent and how often rules and faults matched.
-- done:…             Results of claims, so that a claim that is sent twice counts once.
local P = ARGV[1]
local call, format = redis.call, string.format

local function text(number) return format('%.0f', number) end

-- The version from which on a request of a scope is up to date; beyond every version when the state is gone.
local function latest(scope, hash)
  local found = call('HMGET', P .. hash, '*', scope)
  if hash == 'versions' and not found[1] then return 2 ^ 53 end
  return math.max(tonumber(found[1] or 0), tonumber(found[2] or 0))
end

local function stale(scope, version)
  return tonumber(version) < math.max(latest(scope, 'versions'), latest(scope, 'fences'))
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

-- Return the version and, of what is newer than `have`, all scopes and the documents.
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
    call('HSET', P .. 'documents', '*', document)
    call('SETNX', P .. 'salt', salt)
  end
end

-- Write documents (scope, JSON or empty to remove, 1 if the app was created at run time) unless one has changed since `have`.
-- Return the new version, or 0. Under the same name it is done once.
function F.write(name, have, now, ...)
  local given, before = {...}, call('GET', P .. 'done:' .. name)
  if before then return before end
  for i = 1, #given, 3 do
    if latest(given[i], 'versions') > tonumber(have) then return 0 end
  end
  local version = text(call('INCR', P .. 'version'))
  for i = 1, #given, 3 do
    local scope, document, made = given[i], given[i + 1], given[i + 2]
    if document == '' then
      call('HDEL', P .. 'documents', scope)
      call('HDEL', P .. 'versions', scope)
      call('ZREM', P .. 'used', scope)
    else
      call('HSET', P .. 'documents', scope, document)
      call('HSET', P .. 'versions', scope, version)
      if made == '1' then call('ZADD', P .. 'used', now, scope) end
    end
  end
  call('SET', P .. 'done:' .. name, version, 'EX', 120)
  return version
end

-- Add entries (appkey, kind, version, id, at, short fields, data, class, microseconds). Return 1 for each that is there, 0 if stale.
function F.add(max_entries, max_bytes, max_all, now, ...)
  local given, results, added, bytes, old, all = {...}, {}, {}, {}, {}, 0
  max_entries, max_bytes, max_all = tonumber(max_entries), tonumber(max_bytes), tonumber(max_all)
  local number = call('INCRBY', P .. 'number', #given / 9) - #given / 9
  for i = 1, #given, 9 do
    local app, id, fields, data = given[i], given[i + 3], given[i + 5], given[i + 6]
    local stream = given[i + 1] .. ':' .. app
    if not old[app] then
      old[app] = math.max(latest(app, 'versions'), latest(app, 'fences'))
      call('ZADD', P .. 'used', 'XX', now, app)
    end
    number = number + 1
    local fresh = tonumber(given[i + 2]) >= old[app]
    if fresh and call('HSETNX', P .. 'ids', id, text(number) .. ' ' .. stream) == 1 then
      call('XADD', P .. 'journal:' .. stream, text(number) .. '-0', 'i', id, 'a', given[i + 4], 'f', fields, 'd', data)
      bytes[stream] = (bytes[stream] or 0) + #fields + #data + 400
      call('HINCRBY', P .. 'metrics', 'n' .. given[i + 7], 1)
      call('HINCRBY', P .. 'metrics', 't' .. given[i + 7], given[i + 8])
    end
    results[#results + 1] = fresh and 1 or 0
  end
  for stream, size in pairs(bytes) do
    local total = tonumber(call('ZINCRBY', P .. 'sizes', size, stream))
    call('INCRBY', P .. 'bytes', size)
    local excess = call('XLEN', P .. 'journal:' .. stream) - max_entries
    -- Many at once, because each look at the oldest entries costs time.
    if excess > math.min(100, max_entries / 100) then evict_counted(stream, excess) end
    while total > max_bytes and evict_counted(stream, 10) > 0 do
      total = tonumber(call('ZSCORE', P .. 'sizes', stream))
    end
  end
  while tonumber(call('GET', P .. 'bytes') or 0) > max_all do
    if evict_counted(call('ZREVRANGE', P .. 'sizes', 0, 0)[1], 10) == 0 then break end
  end
  return results
end

-- Return what the entries of a stream are beyond a position: evicted count and time, first position, entries.
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
  call('HSET', P .. 'fences', scope, text(call('INCR', P .. 'version')))
  return removed
end

-- Remove the apps created at run time that nobody has used since `before`.
function F.expire(before)
  local expired = call('ZRANGEBYSCORE', P .. 'used', '-inf', '(' .. before)
  for _, app in ipairs(expired) do
    for _, kind in ipairs({'request', 'stray'}) do
      if call('ZSCORE', P .. 'sizes', kind .. ':' .. app) then clear(kind .. ':' .. app) end
    end
    call('HDEL', P .. 'documents', app)
    call('HDEL', P .. 'versions', app)
    call('HDEL', P .. 'fences', app)
    call('ZREM', P .. 'used', app)
  end
  if #expired > 0 then call('HSET', P .. 'versions', '*', text(call('INCR', P .. 'version'))) end
  return #expired
end

local C = {}

-- Whether a value is new among the newest `max`.
function C.once(key, value, max)
  if call('HSETNX', key, value, 1) == 0 then return 0 end
  call('RPUSH', key .. ':order', value)
  if call('LLEN', key .. ':order') > tonumber(max) then call('HDEL', key, call('LPOP', key .. ':order')) end
  return 1, key .. ':order'
end

-- The count before this one; -1, uncounted, once there are `limit`.
function C.count(key, field, limit)
  local count = tonumber(call('HGET', key, field) or 0)
  if limit ~= '' and count >= tonumber(limit) then return -1 end
  call('HINCRBY', key, field, 1)
  return count
end

-- Count a matching request of a fault. Its number if the fault fires or, with a probability to be drawn, may fire; else 0.
function C.fault(key, uid, after, every, times, certain)
  local matched = call('HINCRBY', key, uid .. ':matched', 1)
  local past = matched - tonumber(after)
  if past <= 0 or past % tonumber(every) ~= 0 then return 0 end
  if certain == '0' then return matched end
  return C.count(key, uid .. ':fired', times) >= 0 and matched or 0
end

-- Whether a request is accepted in a sliding window.
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

-- The value that the first caller gave.
function C.first(key, field, value)
  call('HSETNX', key, field, value)
  return call('HGET', key, field)
end

-- Decide something once for a request: repeated under the same `name`, the result is the same. False when the request is stale.
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
