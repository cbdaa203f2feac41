#include "python/route/routes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

// The state of the way to a leaf so far.
struct RouteContext {
  std::string sampled;      // policies, joined by spaces
  std::uint64_t depth = 0;  // how many they are
  Destination destination = Destination::file;
  std::string handled;  // the policy that says so
};

std::uint32_t leaf_site(const SiteFacts& facts, const RouteContext& context) {
  const bool is_plain = context.destination == Destination::file && context.sampled.empty();
  if (is_plain) return facts.site;
  const std::string& policy =
      context.destination == Destination::file ? context.sampled : context.handled;
  // Past all numbers the site stays what it is: more is written then, nothing is lost.
  return site_registry()
      .variant(facts.site, context.destination, !context.sampled.empty(), policy)
      .value_or(facts.site);
}

// Which value of the call the sampler's key is; none where the call has no such value.
std::optional<Key> find_key(const SiteFacts& facts, const std::string& name) {
  if (name.empty() || facts.fields == nullptr) return std::nullopt;
  const auto field = std::ranges::find(*facts.fields, name);
  if (field == facts.fields->end()) return std::nullopt;
  const auto index = static_cast<std::size_t>(field - facts.fields->begin());
  const std::size_t n_own = facts.fields->size() - facts.n_bound;
  return index < n_own ? Key{index, false} : Key{index - n_own, true};
}

void apply_policy(const LoggerCore::Step& step, const SiteFacts& facts, RouteNode& node,
                  RouteContext& context) {
  if (step.sampler != nullptr) {
    node.sampler = step.sampler;
    node.key = find_key(facts, step.policy.key);
    ++context.depth;
    context.sampled += (context.sampled.empty() ? "" : " ") + to_text(step.sampler->policy());
  }
  const Policy::Kind kind = step.policy.kind;
  if (node.core->is_circular()) {  // whatever else it says: there is no file
    context.destination = Destination::buffer;
    context.handled = to_text(node.core->policy());
  } else if (kind == Policy::Kind::stats || kind == Policy::Kind::last) {
    context.destination = kind == Policy::Kind::stats ? Destination::stats : Destination::buffer;
    context.handled = to_text(step.policy);
  }
}

// The next one who decides about a call of the site, and those behind it. Nothing: none passes.
std::optional<RouteNode> build(LoggerCore& core, const SiteFacts& facts, bool is_first,
                               RouteContext context) {
  // Where it does not, it is settled what becomes of the record.
  const bool decides = context.destination == Destination::file;
  const auto step = core.step_for(facts, is_first, decides, context.depth);
  if (!step) return std::nullopt;
  RouteNode node;
  node.core = &core;
  if (decides) apply_policy(*step, facts, node, context);
  if (core.targets().empty()) {
    node.site = leaf_site(facts, context);
    return node;
  }
  for (const auto& target : core.targets()) {
    if (auto next = build(*target, facts, false, context)) node.next.push_back(std::move(*next));
  }
  return node.next.empty() ? std::nullopt : std::optional(std::move(node));
}

bool is_alike(const RouteNode& a, const RouteNode& b) {
  return a.core == b.core && a.sampler == b.sampler && a.key == b.key && a.site == b.site &&
         std::ranges::equal(a.next, b.next, is_alike);
}

void choose_action(Route& route) {
  if (!route.top) return;
  const RouteNode& top = *route.top;
  if (top.sampler != nullptr) {
    route.sampler = top.sampler.get();
    if (top.sampler->counts_down()) {
      route.action = Route::Action::countdown;
    } else if (top.key && !top.key->is_bound) {
      route.action = Route::Action::keyed;
      route.key = top.key->index;
    } else {
      route.action = Route::Action::mixed;
    }
    return;
  }
  const RouteNode* leaf = &top;
  if (leaf->next.size() == 1) {
    route.passes = leaf->core;
    leaf = leaf->next.data();
  }
  const bool is_direct =
      leaf->next.empty() && leaf->sampler == nullptr && leaf->core->channel() != nullptr;
  if (leaf->core->watcher() != nullptr) {
    route.action = Route::Action::mixed;
    return;
  }
  const bool is_timed = top.core->time() || leaf->core->time();
  route.action = !is_direct || is_timed ? Route::Action::mixed
                 : leaf == &top         ? Route::Action::write
                                        : Route::Action::pass;
  route.to = leaf->core;
  route.site = leaf->site;
}

// Intervals end also where no call notices it: then the channels behind look.
void watch(const RouteNode& node, std::string_view name, double weight) {
  if (node.sampler != nullptr && node.sampler->has_intervals()) {
    std::vector<LoggerCore*> leaves;
    find_leaves(node, leaves);
    std::vector<std::weak_ptr<Channel>> channels;
    for (const LoggerCore* leaf : leaves) channels.push_back(leaf->last_channel());
    if (const auto first = channels.front().lock()) {
      first->add_sampled_site({node.sampler, std::string(name), weight, channels});
    }
  }
  if (node.sampler != nullptr) weight *= node.sampler->usual_weight();
  for (const RouteNode& next : node.next) watch(next, name, weight);
}

}  // namespace

void find_leaves(const RouteNode& node, std::vector<LoggerCore*>& leaves) {
  if (node.next.empty()) leaves.push_back(node.core);
  for (const RouteNode& next : node.next) find_leaves(next, leaves);
}

const Route* current_route(RouteCache& routes, LoggerCore& core, const SiteFacts& facts) {
  // acquire: pairs with the release below.
  const Route* known = routes.now.load(std::memory_order_acquire);
  if (known != nullptr && known->is_current()) return known;
  // Before everything is looked at: what changes meanwhile makes the route an old one.
  const std::uint64_t epoch = routes_epoch.load(std::memory_order_acquire);
  auto route = std::make_unique<Route>();
  route->top = build(core, facts, true, {});
  choose_action(*route);
  if (route->top) watch(*route->top, facts.name.empty() ? word_of(facts) : facts.name, 1);
  const auto lock = core.lock_routes(facts.site);
  auto same = std::ranges::find_if(routes.all, [&](const auto& other) {
    return other->action == route->action && other->top.has_value() == route->top.has_value() &&
           (!route->top || is_alike(*other->top, *route->top));
  });
  if (same == routes.all.end()) {
    routes.all.push_back(std::move(route));
    same = routes.all.end() - 1;
  }
  (*same)->epoch.store(epoch, std::memory_order_release);  // pairs with is_current
  routes.now.store(same->get(), std::memory_order_release);
  return same->get();
}

}  // namespace attolog::python
