"""The names of typing that annotations use, without its 4 ms at start."""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any as Any
    from typing import Callable as Callable
    from typing import Deque as Deque
    from typing import Dict as Dict
    from typing import Generic as Generic
    from typing import Iterable as Iterable
    from typing import Iterator as Iterator
    from typing import List as List
    from typing import Optional as Optional
    from typing import Sequence as Sequence
    from typing import Tuple as Tuple
    from typing import TypeVar as TypeVar
    from typing import Union as Union
    from typing import overload as overload
else:
    Any = Callable = Deque = Dict = Iterable = Iterator = List = Optional = Sequence = Tuple = Union = None

    class Generic:
        def __class_getitem__(cls, _):
            return cls

    def TypeVar(name):
        return name

    def overload(function):
        return function
