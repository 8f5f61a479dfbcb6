-- Gives the page of an index that lies beyond (score, member), as member, score, ...
--
-- KEYS  index
-- ARGV  limit, newest (1: downwards, 0: upwards), score, member
--
-- Finds by halving the place where (score, member) is or would be, so that a page goes on though its last member is
-- gone. Compares bytes, as sorted sets do; Lua's own < asks the server's locale.

local index, limit, score, member = KEYS[1], tonumber(ARGV[1]), ARGV[3], ARGV[4]

local function at(rank)
  return redis.call('ZRANGE', index, rank, rank)[1]
end

local function before(a, b)
  for n = 1, math.min(#a, #b) do
    local x, y = a:byte(n), b:byte(n)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

local low = redis.call('ZCOUNT', index, '-inf', '(' .. score)
local ties = redis.call('ZCOUNT', index, '-inf', score)
local high = ties
while low < high do
  local middle = math.floor((low + high) / 2)
  if before(at(middle), member) then
    low = middle + 1
  else
    high = middle
  end
end

if ARGV[2] == '1' then
  local first = redis.call('ZCARD', index) - low
  return redis.call('ZREVRANGE', index, first, first + limit - 1, 'WITHSCORES')
end
if low < ties and at(low) == member then
  low = low + 1
end
return redis.call('ZRANGE', index, low, low + limit - 1, 'WITHSCORES')
